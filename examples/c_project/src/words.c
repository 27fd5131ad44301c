#include "words.h"

#include <ctype.h>

int next_word(FILE* file, char* word, int size) {
  int c = getc(file), length = 0;
  while (c != EOF && !isalpha(c)) c = getc(file);
  while (c != EOF && isalpha(c)) {
    if (length + 1 < size) word[length++] = (char)tolower(c);
    c = getc(file);
  }
  word[length] = 0;
  return length > 0;
}
