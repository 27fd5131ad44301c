/* The executor from C: three jobs, of which the last needs the others. */

#include <stdio.h>

#include "enjoin/c.h"

int main(void) {
  enjoin_executor* executor = enjoin_executor_new(NULL);
  if (executor == NULL) return fprintf(stderr, "%s\n", enjoin_error()), 1;

  enjoin_job needs[2];
  for (int i = 0; i < 2; ++i) {
    const enjoin_command command = {.shell_line = i == 0 ? "echo one" : "echo two"};
    needs[i] = enjoin_add(executor, &command, NULL);
  }
  const char* const argv[] = {"echo", "three", NULL};
  const enjoin_command last = {.argv = argv};
  const enjoin_job_options options = {.needs = needs, .need_count = 2};
  if (enjoin_add(executor, &last, &options) == 0) return fprintf(stderr, "%s\n", enjoin_error()), 1;

  const int all_well = enjoin_wait_all(executor);
  const enjoin_report* report;
  while ((report = enjoin_take(executor)) != NULL) {
    printf("job %d: %s: %s", (int)report->job, report->outcome_text, report->out);
  }
  enjoin_executor_free(executor);
  return all_well == 1 ? 0 : 1;
}
