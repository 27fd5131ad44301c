// Row 43. Nobody can set the clock of one process, and a test must not set the machine's. So it is
// the sources that are looked at: the clock that people set is read in few places, none of which
// decides when something happens.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

#include <doctest/doctest.h>

namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("adversarial 43: no timeout looks at the clock that can be set") {
  const fs::path root = fs::path(ENJOIN_TEST_DIR).parent_path();
  const std::regex settable(
      R"(CLOCK_REALTIME|mutex_timedlock|sem_timedwait|cond_timedwait|realtime_ns|system_clock|gettimeofday|[^_a-z]time\((nullptr|NULL|0)\))");
  std::set<std::string> users;
  for (const char* layer : {"include", "ipc", "worker", "runner"}) {
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root / layer)) {
      if (entry.is_regular_file() && std::regex_search(text_of(entry.path()), settable)) {
        users.insert(entry.path().lexically_relative(root));
      }
    }
  }
  const std::set<std::string> known = {
      "worker/job_watch.cc", "worker/job_watch.h",       // where it is read
      "worker/worker_job.h", "worker/worker_output.cc",  // when a job started, for records
      "ipc/layout.h", "runner/team/local_team_deaths.cc",
      // When something happened, for events and records.
      "runner/jsonl/event_writer.cc", "runner/record/attempt_row.cc",
      "runner/record/record_writer.cc",
      "runner/record/file_contents.cc",  // whether a file's times are too new to be believed
  };
  for (const std::string& user : users) {
    CAPTURE(user);
    CHECK(known.contains(user));
  }
}
