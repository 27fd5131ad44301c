#pragma once

/* The executor (executor.h) for C, and for what can call C: C99, the same library.
 *
 * In all structs a zero is the sane value, so that `= {0}` and designated initialisers do. Strings
 * are ended by a NUL byte and copied before a call returns. Lists of strings are ended by a NULL.
 * Calls that can fail say so by 0, NULL or -1, as is said beside them, and enjoin_error() then
 * tells why. One thread at a time for each executor; what executor.h says about manners holds.
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ENJOIN_C_API __attribute__((visibility("default")))

typedef struct enjoin_executor enjoin_executor;
typedef uint64_t enjoin_job;   /* from 1; 0: none */
typedef uint32_t enjoin_stage; /* likewise */
typedef uint32_t enjoin_limit; /* likewise */

/* What the last call of this thread that failed has to say. Valid until its next call. */
ENJOIN_C_API const char* enjoin_error(void);

enum enjoin_jobserver {
  ENJOIN_JOBSERVER_NONE,
  ENJOIN_JOBSERVER_CLIENT,
  ENJOIN_JOBSERVER_PIPE,
  ENJOIN_JOBSERVER_FIFO
};

typedef struct enjoin_executor_options {
  uint32_t cpus;              /* at once; 0: as the machine has */
  uint64_t memory;            /* bytes; 0: no limit */
  int stop_at_failure;        /* not 0: after a failure nothing new is started */
  int jobserver;              /* enum enjoin_jobserver */
  const char* helpers;        /* folder of the helper programs; NULL: where they were installed */
  const char* scratch_folder; /* NULL: $TMPDIR, else /tmp */
} enjoin_executor_options;

/* `options` may be NULL. NULL: failed. */
ENJOIN_C_API enjoin_executor* enjoin_executor_new(const enjoin_executor_options* options);
/* Ends all jobs at once, whole trees. NULL is allowed. Not from a handler. */
ENJOIN_C_API void enjoin_executor_free(enjoin_executor* executor);

enum enjoin_output {
  ENJOIN_OUTPUT_CAPTURE, /* enjoin_report's out and err */
  ENJOIN_OUTPUT_MERGE,   /* both in out, in the order in which they were written */
  ENJOIN_OUTPUT_LINES,   /* on_line, while it runs */
  ENJOIN_OUTPUT_INHERIT, /* the host's stdout and stderr */
  ENJOIN_OUTPUT_CONSOLE, /* the host's stdin, stdout, stderr, and its terminal's foreground */
  ENJOIN_OUTPUT_DISCARD
};

enum enjoin_after_job { /* of processes that outlive a job */
                        ENJOIN_AFTER_KILL,
                        ENJOIN_AFTER_FAIL,
                        ENJOIN_AFTER_KEEP,
                        ENJOIN_AFTER_REPORT
};

typedef struct enjoin_descriptor {
  int host; /* this descriptor of ours */
  int job;  /* is that one in the job */
} enjoin_descriptor;

#define ENJOIN_NO_CAP UINT64_MAX
#define ENJOIN_WITHOUT_END UINT32_MAX

/* One of argv and shell_line is needed. */
typedef struct enjoin_command {
  const char* const* argv;
  const char* shell_line;
  const char* const* shell; /* NULL: /bin/sh */
  const char* name;
  const char* folder;
  const char* const* environment; /* NAME=VALUE sets, NAME alone takes away */
  const char* input;              /* input_size bytes for its stdin; NULL: see input_path */
  size_t input_size;
  const char* input_path; /* NULL: /dev/null */
  int output;             /* enum enjoin_output */
  const char* stdout_path;
  const char* stderr_path;
  const enjoin_descriptor* descriptors;
  size_t descriptor_count;
  uint64_t most_output; /* bytes of each captured stream; 0: 64 MiB; ENJOIN_NO_CAP */
  int nice;
  uint64_t timeout_ns; /* 0: none */
  int after;           /* enum enjoin_after_job */
} enjoin_command;

enum enjoin_kind { ENJOIN_RAN, ENJOIN_SKIPPED, ENJOIN_DROPPED };

enum enjoin_outcome {                   /* the same as outcome.h; what `code` says is beside each */
                      ENJOIN_EXITED,    /* exit status */
                      ENJOIN_SIGNALED,  /* signal */
                      ENJOIN_TIMED_OUT, /* signal that ended its leader, or 0 */
                      ENJOIN_CANCELED,  /* likewise */
                      ENJOIN_LOST,      /* 0 */
                      ENJOIN_SPAWN_FAILED,  /* errno */
                      ENJOIN_OUTPUT_FAILED, /* errno */
                      ENJOIN_INPUT_SHRANK   /* 0 */
};

typedef struct enjoin_report {
  enjoin_job job;
  int kind; /* enum enjoin_kind */
  int success;
  int outcome; /* enum enjoin_outcome */
  int code;
  const char* outcome_text; /* "exit status 3" */
  const char* reason;       /* for people, beside the outcome; may be empty */
  const char* out;          /* ended by a NUL byte that out_size does not count */
  size_t out_size;
  const char* err;
  size_t err_size;
  int output_cut;
  int left_processes;
  uint32_t attempt;
  uint32_t slot;
  int64_t started_at_ns; /* since the epoch; 0: never started */
  int64_t wall_ns;
  int64_t user_us;
  int64_t system_us;
  uint64_t max_rss_kb;
} enjoin_report;

/* Handlers are called by enjoin_step() and the calls that wait, in their thread. They may call the
 * executor, and must not throw or longjmp. What they are given is valid in the call. */
typedef struct enjoin_job_options {
  enjoin_stage stage;
  const enjoin_job* needs;
  size_t need_count;
  uint32_t cpus; /* 0: 1 */
  uint64_t memory;
  const enjoin_limit* limits;
  size_t limit_count;
  int priority;
  uint32_t attempts; /* 0: 1; ENJOIN_WITHOUT_END */
  uint64_t retry_delay_ns;
  double retry_backoff; /* 0: 1 */
  uint64_t expected_ns;
  int asks;   /* not 0: what needs it waits for enjoin_answer() */
  void* data; /* for the handlers */
  void (*on_start)(void* data, enjoin_job job);
  void (*on_line)(void* data, enjoin_job job, int stream, const char* line, size_t size);
  void (*on_end)(void* data, const enjoin_report* report);
} enjoin_job_options;

/* `options` may be NULL. 0: failed, nothing was added. */
ENJOIN_C_API enjoin_job enjoin_add(enjoin_executor* executor, const enjoin_command* command,
                                   const enjoin_job_options* options);
/* 0: done, -1: failed. */
ENJOIN_C_API int enjoin_add_need(enjoin_executor* executor, enjoin_job job, enjoin_job on);

typedef struct enjoin_stage_options {
  const char* name;
  const enjoin_stage* needs;
  size_t need_count;
  uint32_t most_running; /* 0: no limit of its own */
  int allow_failure;
} enjoin_stage_options;

/* 0: failed. */
ENJOIN_C_API enjoin_stage enjoin_add_stage(enjoin_executor* executor,
                                           const enjoin_stage_options* options);
/* 0: done, -1: failed. */
ENJOIN_C_API int enjoin_close_stage(enjoin_executor* executor, enjoin_stage stage);
/* 0: failed. */
ENJOIN_C_API enjoin_limit enjoin_add_limit(enjoin_executor* executor, const char* name,
                                           uint32_t slots);

/* The next four: 0: done, -1: failed. `now` not 0: the whole tree is killed at once, else it is
 * told to end first. */
ENJOIN_C_API int enjoin_cancel(enjoin_executor* executor, enjoin_job job, int now);
ENJOIN_C_API int enjoin_cancel_all(enjoin_executor* executor, int now);
ENJOIN_C_API int enjoin_skip(enjoin_executor* executor, enjoin_job job);
/* `unchanged` not 0: those whose needs all changed nothing are skipped. */
ENJOIN_C_API int enjoin_answer(enjoin_executor* executor, enjoin_job job, int unchanged);
ENJOIN_C_API void enjoin_set_cpus(enjoin_executor* executor, uint32_t cpus);

/* Readable when enjoin_step() has something to do. The executor's: not to be closed or read. */
ENJOIN_C_API int enjoin_fd(const enjoin_executor* executor);
/* How many ends were told or kept; never blocks. -1: failed. */
ENJOIN_C_API long enjoin_step(enjoin_executor* executor);
/* Waits for something to do, at most limit_ns (negative: without a limit), then steps. */
ENJOIN_C_API long enjoin_wait(enjoin_executor* executor, int64_t limit_ns);
/* Until all jobs have ended. 1: all succeeded, 0: one did not, -1: failed. */
ENJOIN_C_API int enjoin_wait_all(enjoin_executor* executor);
/* The next end that no on_end was given for; NULL: there is none. Valid until the next call of this
 * function, or the executor's end. */
ENJOIN_C_API const enjoin_report* enjoin_take(enjoin_executor* executor);
ENJOIN_C_API size_t enjoin_unfinished(const enjoin_executor* executor);
ENJOIN_C_API size_t enjoin_running(const enjoin_executor* executor);

#ifdef __cplusplus
}
#endif
