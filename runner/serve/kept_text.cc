#include "runner/serve/kept_text.h"

#include <algorithm>
#include <cerrno>
#include <unistd.h>
#include <utility>

#include <sys/sendfile.h>

#include "enjoin/error.h"
#include "worker/capture.h"

namespace enjoin {
namespace {

int read_text(const LocalTeam::KeptStream& from, std::string* text) {
  text->resize(static_cast<std::size_t>(from.length));
  std::size_t size = 0;
  while (size < text->size()) {
    const ssize_t more = ::pread(from.fd, text->data() + size, text->size() - size,
                                 from.begin + static_cast<off_t>(size));
    if (more < 0 && errno == EINTR) continue;
    if (more <= 0) return more == 0 ? EIO : errno;
    size += static_cast<std::size_t>(more);
  }
  return 0;
}

int copy_text(const LocalTeam::KeptStream& from, int to) {
  off_t at = from.begin;
  const off_t end = from.begin + from.length;
  while (at < end) {
    const ssize_t more = ::sendfile(to, from.fd, &at, static_cast<std::size_t>(end - at));
    if (more < 0 && errno == EINTR) continue;
    if (more <= 0) return more == 0 ? EIO : errno;
  }
  return 0;
}

int add_stream(const LocalTeam::KeptStream& from, const std::string& folder, std::string* text,
               FilePart* part, std::vector<ipc::UniqueFd>* descriptors) {
  if (from.fd < 0 || from.length <= 0) return 0;
  if (from.length <= kMostInline) return read_text(from, text);
  try {
    ipc::UniqueFd copy = open_scratch_file(folder, false);
    if (const int error = copy_text(from, copy.get()); error != 0) return error;
    descriptors->push_back(std::move(copy));
  } catch (const Error&) {
    return errno != 0 ? errno : EIO;
  }
  *part = {true, 0, static_cast<std::uint64_t>(from.length)};
  return 0;
}

}  // namespace

void add_output(const LocalTeam& team, const JobResult& result, const std::string& folder,
                EndedMessage* message, std::vector<ipc::UniqueFd>* descriptors) {
  const LocalTeam::KeptPlaces places = team.kept_output(result);
  JobReport& report = message->report;
  int error = add_stream(places.stream[0], folder, &report.out, &message->out, descriptors);
  if (error == 0) {
    error = add_stream(places.stream[1], folder, &report.err, &message->err, descriptors);
  }
  if (error == 0) return;
  // For those that need it, it has succeeded: its output is the host's affair.
  report.reason = "what it wrote could not be handed over";
  if (std::exchange(report.success, false)) report.outcome = OutputFailed{error};
}

}  // namespace enjoin
