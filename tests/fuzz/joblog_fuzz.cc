// libFuzzer target: the text of a job log. It is either read or refused with an Error that names a
// line; what was read and written again says the same.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "enjoin/error.h"
#include "runner/joblog_reader.h"
#include "support/memory_file.h"

namespace {

using Fate = enjoin::JoblogHistory::Fate;

void check(const std::string& path, const std::string& text) {
  const enjoin::JoblogReading reading = enjoin::read_joblog(path, enjoin::FailedRows::kCollect);
  if (reading.whole_bytes + reading.cut_bytes != text.size()) std::abort();
  if (reading.whole_bytes != 0 && text[reading.whole_bytes - 1] != '\n') std::abort();
  std::uint64_t before = 0;
  for (const auto& failed : reading.failed) {
    if (failed.seq <= before || failed.offset + failed.size >= reading.whole_bytes) std::abort();
    if (reading.history.fate(failed.seq) != Fate::kFailed) std::abort();
    const std::string_view logged = std::string_view(text).substr(failed.offset, failed.size);
    const std::string command = enjoin::logged_command(logged);
    // The last row of the job is this one.
    if (reading.history.had_other_command(failed.seq, command)) std::abort();
    before = failed.seq;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  const enjoin::test::MemoryFile file(text);
  try {
    check(file.path(), text);
  } catch (const enjoin::Error& error) {
    if (std::string_view(error.what()).find("no row of a job log") == std::string_view::npos)
      std::abort();
  }
  return 0;
}
