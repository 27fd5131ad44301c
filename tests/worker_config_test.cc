#include <csignal>
#include <string>

#include <doctest/doctest.h>
#include <sys/resource.h>

#include "enjoin/error.h"
#include "worker/config.h"

using enjoin::Error;
using enjoin::pack;
using enjoin::unpack_worker_config;
using enjoin::WorkerConfig;

namespace {

WorkerConfig full_config() {
  WorkerConfig config;
  config.command.words = {"echo", "{}", std::string("with\nnewline and \xff")};
  config.command.replace_string = ",,";
  config.command.quote_words = true;
  config.command.spread = enjoin::Spread::kContext;
  config.command.append_if_absent = false;
  config.shell = "/bin/zsh";
  config.output = enjoin::OutputMode::kLineBuffer;
  config.keep_order = true;
  config.tag.emplace().words = {"{#}"};
  config.tag->quote_values = false;
  config.max_output_bytes = 1ULL << 40;
  config.verbose = enjoin::Verbose::kToStderr;
  config.leftovers = enjoin::Leftovers::kFail;
  config.isolate = enjoin::Isolate::kPid;
  config.nice = -3;
  config.limits = {{RLIMIT_AS, 1 << 30}, {RLIMIT_CORE, 0}};
  config.stop_ladder = {{SIGINT, 7}, {SIGKILL, 0}};
  config.signal_mask = 0x8000000000000001;
  config.open_files_soft = 256;
  config.open_files_hard = 4096;
  config.parallel_pid = 4'000'000'000;
  config.scratch_folder = "/var/tmp";
  config.results.keep = enjoin::Keep::kNamed;
  config.results.folder = "out";
  config.results.name.emplace().words = {"res_{}"};
  config.results.column_names = {"a", "b"};
  config.results.prints_names = true;
  config.results.table = enjoin::Table::kTsv;
  config.color = config.color_failed = config.latest_line = true;
  config.work_folder.emplace().words = {"work/{#}"};
  config.removes_work_folder = true;
  config.slot_variable = "slot";
  config.terminal = true;
  return config;
}

}  // namespace

TEST_CASE("worker config: every field comes back as it was packed") {
  const WorkerConfig config = full_config();
  const std::string bytes = pack(config);
  const WorkerConfig back = unpack_worker_config(bytes);
  CHECK(back.command.words == config.command.words);
  CHECK(back.command.replace_string == ",,");
  CHECK(back.command.quote_words);
  CHECK(back.command.spread == enjoin::Spread::kContext);
  CHECK_FALSE(back.command.append_if_absent);
  CHECK(back.command.quote_values);
  CHECK(back.shell == "/bin/zsh");
  CHECK(back.output == enjoin::OutputMode::kLineBuffer);
  CHECK(back.keep_order);
  REQUIRE(back.tag);
  CHECK(back.tag->words == config.tag->words);
  CHECK_FALSE(back.tag->quote_values);
  CHECK(back.max_output_bytes == config.max_output_bytes);
  CHECK(back.verbose == enjoin::Verbose::kToStderr);
  CHECK(back.leftovers == enjoin::Leftovers::kFail);
  CHECK(back.isolate == enjoin::Isolate::kPid);
  CHECK(back.nice == -3);
  REQUIRE(back.limits.size() == 2);
  CHECK(back.limits[0].value == 1 << 30);
  CHECK(back.limits[1].resource == RLIMIT_CORE);
  REQUIRE(back.stop_ladder.size() == 2);
  CHECK(back.stop_ladder[0].signal == SIGINT);
  CHECK(back.stop_ladder[0].wait_ms == 7);
  CHECK(back.signal_mask == config.signal_mask);
  CHECK(back.open_files_soft == 256);
  CHECK(back.open_files_hard == 4096);
  CHECK(back.parallel_pid == 4'000'000'000);
  CHECK(back.scratch_folder == "/var/tmp");
  CHECK(back.results.keep == enjoin::Keep::kNamed);
  CHECK(back.results.folder == "out");
  REQUIRE(back.results.name);
  CHECK(back.results.name->words == config.results.name->words);
  CHECK(back.results.column_names == config.results.column_names);
  CHECK(back.results.prints_names);
  CHECK(back.results.table == enjoin::Table::kTsv);
  CHECK((back.color && back.color_failed && back.latest_line));
  REQUIRE(back.work_folder);
  CHECK(back.work_folder->words == config.work_folder->words);
  CHECK(back.removes_work_folder);
  CHECK(back.slot_variable == "slot");
  CHECK(back.terminal);
  // What was forgotten above would show here.
  CHECK(pack(back) == bytes);
}

TEST_CASE("worker config: defaults come back too") {
  const WorkerConfig back = unpack_worker_config(pack(WorkerConfig{}));
  CHECK_FALSE(back.tag);
  CHECK_FALSE(back.nice);
  CHECK(back.limits.empty());
  CHECK(back.command.replace_string == "{}");
}

TEST_CASE("worker config: every cut is refused") {
  const std::string bytes = pack(full_config());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    CHECK_THROWS_AS(unpack_worker_config(std::string_view(bytes).substr(0, size)), Error);
  }
}

TEST_CASE("worker config: bytes behind the end are refused") {
  CHECK_THROWS_AS(unpack_worker_config(pack(full_config()) + '\0'), Error);
}

TEST_CASE("worker config: a damaged count neither reads outside nor takes all memory") {
  const std::string bytes = pack(full_config());
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const char damage : {'\x00', '\x7f', '\xff'}) {
      std::string damaged = bytes;
      damaged[at] = damage;
      try {
        static_cast<void>(unpack_worker_config(damaged));
      } catch (const Error&) {
        continue;  // either way will do
      }
    }
  }
}

TEST_CASE("worker config: the default ladder ends with KILL") {
  const auto ladder = enjoin::default_stop_ladder();
  REQUIRE_FALSE(ladder.empty());
  CHECK(ladder.front().signal == SIGTERM);
  CHECK(ladder.back().signal == SIGKILL);
}
