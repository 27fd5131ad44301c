#include <string>

#include <doctest/doctest.h>

#include "runner/record/record_file.h"
#include "runner/record/record_writer.h"
#include "runner/record/recorded_jobs.h"
#include "support/cli.h"

using namespace enjoin;
using enjoin::test::Sandbox;

namespace {

Identity identity(std::uint64_t number, std::uint64_t command = 1) {
  IdentityHash hash;
  hash.add(number);
  return {.key = hash.value128(), .command = command};
}

}  // namespace

TEST_CASE("recorded jobs: what was put is found by its key, also after growing") {
  RecordedJobs jobs;
  CHECK(jobs.find(identity(1).key) == nullptr);
  for (std::int64_t job = 1; job <= 1000; ++job)
    jobs.put({identity(static_cast<std::uint64_t>(job)), job, job * 2});
  CHECK(jobs.size() == 1000);
  for (std::int64_t job = 1; job <= 1000; ++job) {
    const RecordedJobs::Job* const found = jobs.find(identity(static_cast<std::uint64_t>(job)).key);
    REQUIRE(found != nullptr);
    CHECK(found->row == job);
    CHECK(found->done == job * 2);
  }
  CHECK(jobs.find(identity(1001).key) == nullptr);
}

TEST_CASE("recorded jobs: of several rows with one key the last counts") {
  const Sandbox box;
  RecordFile file(box.path("r.db"));
  RecordWriter writer(file.database(), {});
  for (std::uint64_t command = 5; command <= 7; ++command)
    writer.add_job({.row = writer.next_job(), .identity = identity(9, command), .done = 3});
  writer.add_job({.row = writer.next_job(), .identity = identity(8)});
  writer.flush();
  RecordedJobs jobs(file.database());
  CHECK(jobs.size() == 2);
  CHECK(jobs.find(identity(9).key)->identity.command == 7);
  CHECK(jobs.find(identity(9).key)->row == 3);
  CHECK(jobs.find(identity(9).key)->done == 3);
  CHECK(jobs.find(identity(8).key)->done == 0);
}

TEST_CASE("rerun on: its parts are chosen by name") {
  const RerunOn all = parse_rerun_on("input,command,env");
  CHECK((all.input && all.command && all.environment));
  const RerunOn one = parse_rerun_on("command");
  CHECK((!one.input && one.command && !one.environment));
  const RerunOn none = parse_rerun_on("none");
  CHECK((!none.input && !none.command && !none.environment));
  for (const char* const bad : {"", "inputs", "input,", ",input", "input,input", "none,input"})
    CHECK_THROWS_AS(parse_rerun_on(bad), Error);
}

TEST_CASE("identity: where parts end counts") {
  const auto value = [](std::initializer_list<std::string_view> parts) {
    IdentityHash hash;
    for (const std::string_view part : parts) hash.add(part);
    return hash.value128();
  };
  CHECK(value({"ab", "c"}) != value({"a", "bc"}));
  CHECK(value({"ab", "c"}) == value({"ab", "c"}));
  CHECK(value({"", ""}) != value({""}));
  IdentityHash hash;
  hash.add("x");
  hash.reset();
  CHECK(hash.value128() == IdentityHash().value128());
}
