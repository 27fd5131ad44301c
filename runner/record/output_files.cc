#include "runner/record/output_files.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>
#include <sys/stat.h>

#include "enjoin/error.h"
#include "ipc/unique_fd.h"
#include "worker/term_safe.h"

namespace enjoin {
namespace {

constexpr std::size_t kBlockBytes = 256 * 1024;

void make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0777) != 0 && errno != EEXIST)
    throw system_error("cannot make the folder " + term_safe(path), errno);
}

/// Returns 0 or an errno value. What is not there any more is left out.
int copy(int from, std::uint64_t begin, std::uint64_t end, int to) {
  std::vector<char> block(std::min<std::uint64_t>(kBlockBytes, end - begin));
  while (begin < end) {
    const ssize_t count =
        ::pread(from, block.data(), std::min<std::uint64_t>(block.size(), end - begin),
                static_cast<off_t>(begin));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    if (count == 0) return 0;
    for (ssize_t done = 0; done < count;) {
      const ssize_t written =
          ::write(to, block.data() + done, static_cast<std::size_t>(count - done));
      if (written < 0 && errno != EINTR) return errno;
      if (written > 0) done += written;
    }
    begin += static_cast<std::uint64_t>(count);
  }
  return 0;
}

}  // namespace

OutputFiles::OutputFiles(const std::string& folder, std::int64_t run)
    : parent_(folder), folder_(fmt::format("{}/{}", folder, run)) {}

std::string OutputFiles::keep(std::uint64_t seq, std::uint32_t attempt, int stream, int fd,
                              std::uint64_t begin, std::uint64_t end) {
  if (!is_made_) {
    make_folder(parent_);
    make_folder(folder_);
    is_made_ = true;
  }
  const std::string path =
      fmt::format("{}/{}.{}.{}", folder_, seq, attempt, stream == 0 ? "out" : "err");
  const ipc::UniqueFd file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666));
  const int error = file ? copy(fd, begin, end, file.get()) : errno;
  if (error == 0) return path;
  if (file) ::unlink(path.c_str());
  throw system_error("cannot keep output in " + term_safe(path), error);
}

}  // namespace enjoin
