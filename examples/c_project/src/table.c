#include "table.h"

#include <string.h>

int table_count(struct table* table, const char* word) {
  int at = 0;
  while (at < table->used && strcmp(table->words[at], word) != 0) ++at;
  if (at == MOST_WORDS) return 0;
  if (at == table->used) strcpy(table->words[table->used++], word);
  ++table->counts[at];
  return 1;
}
