// The floor for one process per line: two processes that vfork, exec and wait, and do nothing else.
//
//   bare_loop FILE WORD...            runs `WORD... LINE` for each line of FILE
//   bare_loop --shell SH FILE TEXT    runs `SH -c TEXT` with each {} replaced by the line
//
// Both take the next line from one shared counter, so neither idles while the other has work left:
// a fixed half each would be slower by whatever the two cores differ in.
#include <atomic>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <vector>

#include <sys/mman.h>

#include "bench/spawn.h"

namespace {

std::string read_file(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) bench::die(path);
  std::string bytes;
  char block[1 << 16];
  for (;;) {
    const ssize_t got = read(fd, block, sizeof block);
    if (got < 0) bench::die(path);
    if (got == 0) break;
    bytes.append(block, static_cast<std::size_t>(got));
  }
  close(fd);
  return bytes;
}

std::vector<char*> split_lines(std::string* bytes) {
  std::vector<char*> lines;
  char* at = bytes->data();
  char* const end = at + bytes->size();
  while (at < end) {
    char* newline = static_cast<char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
    lines.push_back(at);
    if (newline == nullptr) break;
    *newline = '\0';
    at = newline + 1;
  }
  return lines;
}

std::atomic<std::size_t>* shared_counter() {
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) bench::die("mmap");
  return new (page) std::atomic<std::size_t>(0);
}

void put_line(const std::string& text, const char* line, std::string* out) {
  out->clear();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t braces = text.find("{}", at);
    out->append(text, at, braces - at);
    if (braces == std::string::npos) break;
    *out += line;
    at = braces + 2;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bool with_shell = argc == 5 && std::strcmp(argv[1], "--shell") == 0;
  if (argc < 3 || (argv[1][0] == '-' && !with_shell)) {
    std::fputs("usage: bare_loop FILE WORD... | bare_loop --shell SHELL FILE TEXT\n", stderr);
    return 2;
  }
  std::string bytes = read_file(with_shell ? argv[3] : argv[1]);
  const std::vector<char*> lines = split_lines(&bytes);
  const std::string path = bench::program_path(argv[2]);

  char dash_c[] = "-c";
  std::vector<char*> words;
  if (with_shell) {
    words = {argv[2], dash_c};
  } else {
    words.assign(argv + 2, argv + argc);
  }
  words.push_back(nullptr);  // the line goes here
  words.push_back(nullptr);
  char*& last = words[words.size() - 2];

  std::atomic<std::size_t>* next = shared_counter();
  const pid_t second = fork();
  if (second < 0) bench::die("fork");
  std::string text;
  for (std::size_t i; (i = next->fetch_add(1, std::memory_order_relaxed)) < lines.size();) {
    last = lines[i];
    if (with_shell) {
      put_line(argv[4], lines[i], &text);
      last = text.data();
    }
    bench::run_and_wait(path.c_str(), words.data());
  }
  if (second == 0) _exit(0);
  int status = 0;
  waitpid(second, &status, 0);
  return status == 0 ? 0 : 1;
}
