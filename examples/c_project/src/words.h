#pragma once

#include <stdio.h>

/* Reads the next word (letters only, made small) into word; 0 at the end. */
int next_word(FILE* file, char* word, int size);
