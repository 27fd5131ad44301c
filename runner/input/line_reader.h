#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "ipc/unique_fd.h"
#include "runner/input/input_source.h"

namespace enjoin {

/// Whether a read of `fd` would not wait. Errors count as readable: read(2) then tells them.
bool is_readable(int fd);

/// Splits what a descriptor delivers into values, without copying and without blocking: views into
/// one buffer that is refilled by single reads. The last value needs no delimiter. Bytes are taken
/// as they are: no carriage return is removed.
///
/// A pipe, terminal or socket is polled before each read(2), so that pull() never waits; its flags
/// are left alone (O_NONBLOCK would be seen by everyone who shares the open file).
class LineReader {
 public:
  /// The longest value: beyond it the delimiter is surely not the one that was meant.
  static constexpr std::size_t kMaxValueBytes = std::size_t{32} << 20;

  /// "-" is stdin, which stays open afterwards. Throws Error: what cannot be opened, and why.
  LineReader(const std::string& path, std::string delimiter);
  LineReader(LineReader&&) noexcept = default;
  LineReader& operator=(LineReader&&) noexcept = default;

  /// The next value, valid until the next call. Throws Error where reading fails, where a value
  /// holds a NUL byte (no argument can), or is longer than kMaxValueBytes.
  Pull pull(std::string_view* value) {
    if (delimiter_.size() == 1 && scan_ < end_) {
      const void* hit = std::memchr(buffer_.get() + scan_, delimiter_[0], end_ - scan_);
      if (hit != nullptr) {
        const auto at = static_cast<std::size_t>(static_cast<const char*>(hit) - buffer_.get());
        if (at < nul_at_) [[likely]] {
          *value = {buffer_.get() + begin_, at - begin_};
          begin_ = scan_ = at + 1;
          ++values_;
          return Pull::kRecord;
        }
      }
    }
    return pull_slowly(value);
  }

  /// The whole values that are in the buffer, as they came: each ended by run_delimiter(). Empty
  /// where there are none, or where the delimiter has several bytes. Valid until the next pull().
  std::string_view peek_run() const;
  char run_delimiter() const { return delimiter_[0]; }
  /// Takes the first `bytes` of the run, which are `values` whole values with their delimiters.
  void skip_run(std::size_t bytes, std::size_t values);

  /// The descriptor to poll after kWouldBlock; -1 where pull() never says that.
  int wait_fd() const { return may_wait_ ? fd_ : -1; }
  /// How many values were delivered.
  std::uint64_t values() const { return values_; }
  const std::string& delimiter() const { return delimiter_; }
  /// A place for messages: "list.txt:12" where values are lines, "value 12 of list.txt" elsewhere.
  std::string where(std::uint64_t value) const;

 private:
  static constexpr std::size_t kBufferBytes = std::size_t{256} << 10;
  static constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();

  Pull pull_slowly(std::string_view* value);
  bool find_delimiter(std::size_t* at);
  Pull deliver(std::size_t at, std::size_t delimiter_bytes, std::string_view* value);
  Pull fill();
  void make_room();
  void resize_buffer(std::size_t capacity);
  [[noreturn]] void throw_nul_error() const;

  ipc::UniqueFd owned_;  // none for stdin
  int fd_ = -1;
  bool may_wait_ = false;  // a pipe, terminal, socket: poll before reading
  bool ended_ = false;
  std::string name_;
  std::string delimiter_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;          // of the value that is next
  std::size_t scan_ = 0;           // no delimiter starts in [begin_, scan_)
  std::size_t end_ = 0;            // of what was read
  std::size_t nul_at_ = kNowhere;  // the first NUL byte not yet delivered, where none may be
  std::uint64_t values_ = 0;
};

}  // namespace enjoin
