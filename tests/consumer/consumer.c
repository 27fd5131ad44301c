/* The same in C: prints "from a job". */

#include <stdio.h>

#include <enjoin/c.h>

int main(void) {
  enjoin_executor* executor = enjoin_executor_new(NULL);
  const enjoin_command command = {.shell_line = "echo from a job"};
  if (executor == NULL || enjoin_add(executor, &command, NULL) == 0 ||
      enjoin_wait_all(executor) != 1) {
    fprintf(stderr, "%s\n", enjoin_error());
    return 1;
  }
  fputs(enjoin_take(executor)->out, stdout);
  enjoin_executor_free(executor);
  return 0;
}
