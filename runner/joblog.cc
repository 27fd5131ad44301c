#include "runner/joblog.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include <sys/stat.h>

#include "enjoin/error.h"
#include "worker/term_safe.h"

namespace enjoin {
namespace {

constexpr std::size_t kBlockBytes = 64 * 1024;
constexpr std::string_view kHeader =
    "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";

/// The numbers of one row; 20 digits and a separator each at most.
class RowText {
 public:
  template <typename Integer>
  void add_number(Integer number) {
    end_ = std::to_chars(end_, text_ + sizeof(text_), number).ptr;
    *end_++ = '\t';
  }
  void add_host() {
    *end_++ = ':';
    *end_++ = '\t';
  }
  /// As printf's "%10.3f" of the seconds.
  void add_seconds(std::int64_t ns) {
    const auto ms = static_cast<std::uint64_t>((std::max<std::int64_t>(ns, 0) + 500000) / 1000000);
    char digits[24];
    char* digits_end = std::to_chars(digits, digits + sizeof(digits), ms / 1000).ptr;
    const auto whole = static_cast<std::size_t>(digits_end - digits);
    for (std::size_t width = whole + 4; width < 10; ++width) *end_++ = ' ';
    std::memcpy(end_, digits, whole);
    end_ += whole;
    const auto rest = static_cast<unsigned>(ms % 1000);
    *end_++ = '.';
    *end_++ = static_cast<char>('0' + rest / 100);
    *end_++ = static_cast<char>('0' + rest / 10 % 10);
    *end_++ = static_cast<char>('0' + rest % 10);
    *end_++ = '\t';
  }
  std::string_view text() const { return {text_, static_cast<std::size_t>(end_ - text_)}; }

 private:
  char text_[256];
  char* end_ = text_;
};

}  // namespace

Joblog::Joblog(std::string path, Start start) : path_(std::move(path)) {
  open(start);
  if (start != Start::kContinue) begin();
}

Joblog::Joblog(std::string path, Tail tail) : path_(std::move(path)) {
  open(Start::kAppend);
  struct stat status;
  // Where the file has grown since, its writer lives and has ended that line.
  const bool is_cut =
      tail.cut_bytes != 0 && ::fstat(fd_.get(), &status) == 0 && S_ISREG(status.st_mode) &&
      static_cast<std::uint64_t>(status.st_size) == tail.whole_bytes + tail.cut_bytes;
  if (is_cut && ::ftruncate(fd_.get(), static_cast<off_t>(tail.whole_bytes)) != 0)
    throw system_error("cannot shorten the job log " + term_safe(path_), errno);
  begin();
}

void Joblog::open(Start start) {
  const int mode = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY;
  if (path_ == "-") {
    fd_.reset(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
  } else {
    fd_.reset(::open(path_.c_str(), start == Start::kTruncate ? mode | O_TRUNC : mode, 0666));
  }
  if (!fd_) throw system_error("cannot write the job log " + term_safe(path_), errno);
}

/// The names of the columns, where there is nothing yet.
void Joblog::begin() {
  struct stat status;
  const bool is_empty = path_ == "-" || ::fstat(fd_.get(), &status) != 0 || status.st_size == 0;
  if (is_empty) pending_ = kHeader;
  flush();
}

Joblog::~Joblog() {
  if (fd_) write_all();
}

void Joblog::add(const JoblogRow& row) {
  RowText text;
  text.add_number(row.seq);
  text.add_host();
  text.add_seconds(row.start_ns);
  text.add_seconds(row.runtime_ns);
  text.add_number(row.send);
  text.add_number(row.receive);
  text.add_number(row.exit_value);
  text.add_number(row.signal);
  pending_ += text.text();
  const std::size_t command_at = pending_.size();
  pending_ += row.command;
  std::replace(pending_.begin() + static_cast<std::ptrdiff_t>(command_at), pending_.end(), '\n',
               '\0');
  pending_ += '\n';
  if (pending_.size() >= kBlockBytes) flush();
}

void Joblog::flush() {
  const int error = write_all();
  if (error != 0) throw system_error("cannot write the job log " + term_safe(path_), error);
}

/// Returns 0 or an errno value. Nothing is pending afterwards.
int Joblog::write_all() {
  std::size_t done = 0;
  int error = 0;
  while (done < pending_.size() && error == 0) {
    const ssize_t count = ::write(fd_.get(), pending_.data() + done, pending_.size() - done);
    if (count >= 0) {
      done += static_cast<std::size_t>(count);
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  if (error != 0) take_back_cut_row(std::string_view(pending_).substr(0, done));
  pending_.clear();
  return error;
}

/// Shortens the file to its last whole row, where it is a file and still ends with our bytes.
void Joblog::take_back_cut_row(std::string_view written) {
  const std::size_t cut = written.size() - (written.rfind('\n') + 1);  // npos + 1 is 0
  struct stat status;
  if (cut == 0 || ::fstat(fd_.get(), &status) != 0 || !S_ISREG(status.st_mode)) return;
  const off_t end = ::lseek(fd_.get(), 0, SEEK_CUR);
  if (end != status.st_size || end < static_cast<off_t>(cut)) return;
  [[maybe_unused]] const int ignored = ::ftruncate(fd_.get(), end - static_cast<off_t>(cut));
}

}  // namespace enjoin
