#pragma once

enum { MOST_WORDS = 1000, WORD_SIZE = 32 };

struct table {
  int used;
  char words[MOST_WORDS][WORD_SIZE];
  int counts[MOST_WORDS];
};

/* Counts the word; 0 where the table is full. */
int table_count(struct table* table, const char* word);
