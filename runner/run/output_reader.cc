#include "runner/run/output_reader.h"

#include <algorithm>
#include <cerrno>
#include <unistd.h>

namespace enjoin {
namespace {

/// Bytes that cannot be read are left out.
void read_range(int fd, std::int64_t begin, std::int64_t end, std::string* text) {
  text->resize(static_cast<std::size_t>(end - begin));
  std::size_t filled = 0;
  while (filled < text->size()) {
    const ssize_t got = ::pread(fd, text->data() + filled, text->size() - filled,
                                begin + static_cast<std::int64_t>(filled));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    filled += static_cast<std::size_t>(got);
  }
  text->resize(filled);
}

}  // namespace

CapturedOutput OutputReader::read(const LocalTeam& team, const JobResult& result,
                                  std::uint64_t seq) {
  constexpr auto kMost = static_cast<std::int64_t>(CapturedOutput::kMostKept);
  CapturedOutput output;
  const LocalTeam::KeptPlaces places = team.kept_output(result);
  for (const std::size_t stream : {0U, 1U}) {
    const LocalTeam::KeptStream& place = places.stream[stream];
    if (place.fd < 0 || place.length <= 0) continue;
    const std::int64_t end = place.begin + place.length;
    read_range(place.fd, std::max(place.begin, end - kMost), end, &text_[stream]);
    output.text[stream] = text_[stream];
    output.bytes[stream] = static_cast<std::uint64_t>(place.length);
    if (place.length <= kMost || files_ == nullptr) continue;
    output.path[stream] =
        files_->keep(seq, result.job.attempt, static_cast<int>(stream), place.fd,
                     static_cast<std::uint64_t>(place.begin), static_cast<std::uint64_t>(end));
  }
  return output;
}

}  // namespace enjoin
