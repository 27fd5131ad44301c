#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>

#include "enjoin/error.h"
#include "runner/pipe/range_blocks.h"
#include "worker/term_safe.h"

namespace enjoin {
namespace {

/// What is read around a place at first. Records are short, mostly.
constexpr std::uint64_t kWindow = 16 << 10;

void check_kind(int fd, const std::string& name) {
  struct stat status;
  if (::fstat(fd, &status) != 0) throw system_error("cannot read " + name, errno);
  if (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode)) return;
  throw Error(
      fmt::format("{} is neither a file nor a block device, so --pipe-part cannot cut it: "
                  "use --pipe < {}",
                  name, name));
}

}  // namespace

RangeFile::RangeFile(const std::string& path) : name_(term_safe(path)) {
  // A fifo would be waited for.
  ipc::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) throw system_error("cannot open the input file " + name_, errno);
  check_kind(fd.get(), name_);
  fd_ = std::make_shared<const ipc::UniqueFd>(std::move(fd));
}

RangeFile::RangeFile(int fd, std::string name) : name_(std::move(name)) {
  ipc::UniqueFd own(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!own) throw system_error("cannot duplicate " + name_, errno);
  fd_ = std::make_shared<const ipc::UniqueFd>(std::move(own));
}

std::uint64_t RangeFile::size() const {
  struct stat status;
  if (::fstat(fd_->get(), &status) != 0) throw system_error("cannot read " + name_, errno);
  if (S_ISREG(status.st_mode)) return static_cast<std::uint64_t>(status.st_size);
  const off_t end = ::lseek(fd_->get(), 0, SEEK_END);
  if (end < 0) throw system_error("cannot find the size of " + name_, errno);
  return static_cast<std::uint64_t>(end);
}

void RangeFile::read(std::uint64_t begin, std::uint64_t end, std::string* text) const {
  text->resize(static_cast<std::size_t>(end - begin));
  std::size_t got = 0;
  while (got < text->size()) {
    const ssize_t count = ::pread(fd_->get(), text->data() + got, text->size() - got,
                                  static_cast<off_t>(begin + got));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw system_error("cannot read " + name_, errno);
    if (count == 0) break;
    got += static_cast<std::size_t>(count);
  }
  text->resize(got);
}

void RangeFile::read_exactly(std::uint64_t begin, std::size_t size, char* to) const {
  std::size_t got = 0;
  while (got < size) {
    const ssize_t count =
        ::pread(fd_->get(), to + got, size - got, static_cast<off_t>(begin + got));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw system_error("cannot read " + name_, errno);
    if (count == 0) throw Error(name_ + " has become shorter while it was read");
    got += static_cast<std::size_t>(count);
  }
}

std::uint64_t RangeSearch::last_before(std::uint64_t begin, std::uint64_t end) {
  for (std::uint64_t part = kWindow;; part *= 8) {
    const std::uint64_t from = end - begin <= part ? begin : end - part;
    file_.read(from, end, &text_);
    const std::size_t boundary = splitter_.last_boundary(text_);
    const bool is_sure = from == begin || boundary >= splitter_.reach();
    if (boundary > 0 && is_sure) return from + boundary;
    if (from == begin) return 0;
  }
}

std::uint64_t RangeSearch::first_behind(std::uint64_t begin, std::uint64_t from,
                                        std::uint64_t size) {
  for (std::uint64_t part = kWindow;; part *= 8) {
    const std::uint64_t text_begin = from - std::min(from - begin, part / 4);
    const std::uint64_t text_end = size - from <= part ? size : from + part;
    file_.read(text_begin, text_end, &text_);
    const std::size_t boundary =
        splitter_.boundary_at(text_, static_cast<std::size_t>(from - text_begin),
                              text_begin == begin ? RecordSplitter::TextStart::kRecord
                                                  : RecordSplitter::TextStart::kAnywhere);
    const bool is_whole = text_begin == begin && text_end == size;
    const bool is_sure = text_end == size || boundary + splitter_.reach() <= text_.size();
    if (boundary > 0 && is_sure && text_begin + boundary < size) return text_begin + boundary;
    if (is_whole || (text_end == size && splitter_.reach() > 0)) return size;
  }
}

}  // namespace enjoin
