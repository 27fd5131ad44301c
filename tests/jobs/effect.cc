// A job with an effect that nothing can take back: effect EFFECTS SEQ [WORD...]
//
// Appends SEQ to the file EFFECTS. Then, by WORD:
//   gate ANNOUNCE GATE   writes a byte to the pipe ANNOUNCE and waits for one from the pipe GATE
//   leave GATE           leaves a process behind, in a session of its own, that waits for such a
//   byte cat                  copies stdin to stdout size TEXT            tells the size of TEXT
//   and the sum of its bytes
// At last it says "out SEQ" on stdout and "err SEQ" on stderr.
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace {

void say(int fd, const char* text) {
  [[maybe_unused]] const ssize_t written = ::write(fd, text, std::strlen(text));
}

void wait_at(const char* gate) {
  char byte = 0;
  const int fd = ::open(gate, O_RDONLY | O_CLOEXEC);
  [[maybe_unused]] const ssize_t got = ::read(fd, &byte, 1);
}

void copy_stdin() {
  char chunk[4096];
  for (ssize_t got; (got = ::read(STDIN_FILENO, chunk, sizeof chunk)) > 0;) {
    [[maybe_unused]] const ssize_t written =
        ::write(STDOUT_FILENO, chunk, static_cast<std::size_t>(got));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  char text[100];
  std::snprintf(text, sizeof text, "%s\n", argv[2]);
  say(::open(argv[1], O_WRONLY | O_APPEND | O_CLOEXEC), text);
  const char* const word = argc > 3 ? argv[3] : "";
  if (std::strcmp(word, "gate") == 0 && argc > 5) {
    say(::open(argv[4], O_WRONLY | O_CLOEXEC), "+");
    wait_at(argv[5]);
  } else if (std::strcmp(word, "leave") == 0 && argc > 4) {
    if (::fork() == 0) {
      ::setsid();
      wait_at(argv[4]);
      ::_exit(0);
    }
  } else if (std::strcmp(word, "cat") == 0) {
    copy_stdin();
  } else if (std::strcmp(word, "size") == 0 && argc > 4) {
    unsigned sum = 0;
    for (const char* at = argv[4]; *at != '\0'; ++at) sum += static_cast<unsigned char>(*at);
    std::snprintf(text, sizeof text, "%zu %u\n", std::strlen(argv[4]), sum);
    say(STDOUT_FILENO, text);
  }
  std::snprintf(text, sizeof text, "out %s\n", argv[2]);
  say(STDOUT_FILENO, text);
  std::snprintf(text, sizeof text, "err %s\n", argv[2]);
  say(STDERR_FILENO, text);
  return 0;
}
