/* Counts words of stdin, in the order in which they come. */
#include <stdio.h>

#include "table.h"
#include "words.h"

int main(void) {
  static struct table table;
  char word[WORD_SIZE];
  while (next_word(stdin, word, sizeof word))
    if (!table_count(&table, word)) return 1;
  for (int at = 0; at < table.used; ++at) printf("%d %s\n", table.counts[at], table.words[at]);
  return 0;
}
