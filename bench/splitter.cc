// The floor for `-X`: two processes that cut a file of lines into batches and run a program on
// each.
//
//   splitter FILE BATCH_BYTES PROGRAM
//
// Batch i is made of the lines that begin in the i-th BATCH_BYTES bytes of the file, so any process
// finds its batch alone: all they share is the number of the next one. Nothing is quoted, checked,
// logged or kept in order.
#include <atomic>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <vector>

#include <sys/mman.h>
#include <sys/stat.h>

#include "bench/spawn.h"

namespace {

/// Longest line: a batch is read with so many bytes more, to find its last line's end.
constexpr std::size_t kLongestLine = 4096;

class Splitter {
 public:
  Splitter(const char* path, std::size_t batch_bytes, std::string program)
      : fd_(open(path, O_RDONLY | O_CLOEXEC)),
        batch_bytes_(batch_bytes),
        program_(std::move(program)),
        buffer_(batch_bytes + kLongestLine + 1) {
    struct stat status {};
    if (fd_ < 0 || fstat(fd_, &status) != 0) bench::die(path);
    size_ = static_cast<std::size_t>(status.st_size);
  }

  /// False at the end of the file.
  bool run_batch(std::size_t number) {
    const std::size_t begin = number * batch_bytes_;
    if (begin >= size_) return false;
    // One byte before the batch says whether a line begins at its first byte.
    const std::size_t from = begin == 0 ? 0 : begin - 1;
    const ssize_t got = pread(fd_, buffer_.data(), buffer_.size(), static_cast<off_t>(from));
    if (got < 0) bench::die("read");
    char* const end = buffer_.data() + got;
    char* const limit = buffer_.data() + (begin - from) + batch_bytes_;
    char* at = begin == 0 ? buffer_.data() : after_newline(buffer_.data(), end);
    argv_.assign(1, program_.data());
    while (at < end && at < limit) {
      argv_.push_back(at);
      at = after_newline(at, end);
      if (at[-1] == '\n') at[-1] = '\0';
    }
    if (argv_.size() > 1) {
      *end = '\0';
      argv_.push_back(nullptr);
      bench::run_and_wait(program_.c_str(), argv_.data());
    }
    return true;
  }

 private:
  static char* after_newline(char* at, char* end) {
    void* newline = std::memchr(at, '\n', static_cast<std::size_t>(end - at));
    return newline == nullptr ? end : static_cast<char*>(newline) + 1;
  }

  int fd_;
  std::size_t batch_bytes_;
  std::size_t size_ = 0;
  std::string program_;
  std::vector<char> buffer_;
  std::vector<char*> argv_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: splitter FILE BATCH_BYTES PROGRAM\n", stderr);
    return 2;
  }
  const std::size_t batch_bytes = std::strtoull(argv[2], nullptr, 10);
  Splitter splitter(argv[1], batch_bytes, bench::program_path(argv[3]));
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) bench::die("mmap");
  auto* next = new (page) std::atomic<std::size_t>(0);
  const pid_t second = fork();
  if (second < 0) bench::die("fork");
  while (splitter.run_batch(next->fetch_add(1, std::memory_order_relaxed))) {
  }
  if (second == 0) _exit(0);
  int status = 0;
  waitpid(second, &status, 0);
  return status == 0 ? 0 : 1;
}
