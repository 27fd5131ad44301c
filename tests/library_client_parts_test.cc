// The parts of an Executor that are in the host: rings of needs, lines, the check of commands.

#include <fcntl.h>
#include <string>
#include <unistd.h>
#include <vector>

#include "doctest/doctest.h"
#include "enjoin/error.h"
#include "runner/executor/command_check.h"
#include "runner/executor/line_stream.h"
#include "runner/executor/needs.h"

namespace enjoin {
namespace {

struct Pipe {
  ipc::UniqueFd in;
  LineStream lines;
  explicit Pipe(std::size_t most_line = 0) : lines(make(&in), most_line) {}

  void write(const std::string& text) {
    REQUIRE(::write(in.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  std::vector<std::string> all() {
    std::vector<std::string> result;
    std::string_view line;
    while (lines.next(&line)) result.emplace_back(line);
    return result;
  }

 private:
  static ipc::UniqueFd make(ipc::UniqueFd* in) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    in->reset(ends[1]);
    return ipc::UniqueFd(ends[0]);
  }
};

using Lines = std::vector<std::string>;

std::string refusal(const Command& command) {
  try {
    check_command(command);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

Command with(void (*change)(Command*)) {
  Command command;
  command.argv = {"true"};
  change(&command);
  return command;
}

}  // namespace

TEST_CASE("lines: they come complete, whatever pieces they were written in") {
  Pipe pipe;
  CHECK_FALSE(pipe.lines.read_some());
  pipe.write("one\ntw");
  CHECK(pipe.lines.read_some());
  CHECK(pipe.all() == Lines{"one"});
  pipe.write("o\n\nthree");
  CHECK(pipe.lines.read_some());
  CHECK(pipe.all() == Lines{"two", ""});
  pipe.in.reset();
  CHECK_FALSE(pipe.lines.read_some());
  CHECK(pipe.all() == Lines{"three"});
  CHECK(pipe.lines.fd() == -1);
}

TEST_CASE("lines: the last read takes what is there, and waits for no writer") {
  Pipe pipe;
  pipe.write("one\ntwo");
  pipe.lines.read_last();
  CHECK(pipe.all() == Lines{"one", "two"});
  CHECK(pipe.lines.fd() == -1);
}

TEST_CASE("lines: one that is too long comes in pieces") {
  Pipe pipe(4);
  pipe.write("123456789\n1234\n12345");
  pipe.lines.read_last();
  CHECK(pipe.all() == Lines{"1234", "5678", "9", "1234", "1234", "5"});
}

TEST_CASE("needs: a ring of jobs is seen, a diamond is none") {
  Needs needs;
  needs.add_job(JobId{1}, {}, {});
  needs.add_job(JobId{2}, {}, {JobId{1}});
  needs.add_job(JobId{3}, {}, {JobId{1}});
  needs.add_job(JobId{4}, {}, {JobId{2}, JobId{3}});
  CHECK_FALSE(needs.ring_with(JobId{3}, JobId{2}));
  CHECK(needs.ring_with(JobId{1}, JobId{4}));
  CHECK(needs.ring_with(JobId{1}, JobId{1}));
  needs.add_need(JobId{3}, JobId{2});
  CHECK(needs.ring_with(JobId{2}, JobId{3}));
  needs.ended(JobId{1});
  CHECK_FALSE(needs.ring_with(JobId{1}, JobId{4}));
}

TEST_CASE("needs: a ring through stages is seen") {
  Needs needs;
  const StageId first{1};
  const StageId second{2};
  const StageId third{3};
  needs.add_stage(first, {});
  needs.add_stage(second, {first});
  needs.add_stage(third, {second});
  needs.add_job(JobId{1}, third, {});
  needs.add_job(JobId{2}, second, {});
  needs.add_job(JobId{3}, {}, {JobId{1}});
  CHECK(
      needs.ring_with(first, {JobId{3}}));  // it would wait for the third stage, which waits for it
  CHECK(needs.ring_with(first, {JobId{2}}));
  CHECK_FALSE(needs.ring_with(third, {JobId{2}, JobId{3}}));
  needs.add_job(JobId{4}, first, {});
  CHECK(needs.ring_with(JobId{4}, JobId{1}));
  CHECK_FALSE(needs.ring_with(JobId{1}, JobId{4}));
}

TEST_CASE("commands: what can never be executed is refused with a reason") {
  CHECK(refusal(Command{}) ==
        "cannot add the job without a command: one of argv and shell_line is needed, and only one");
  CHECK(refusal(with([](Command*) {})) == "");
  CHECK(refusal(with([](Command* command) { command->shell_line = "x"; })) != "");
  CHECK(refusal(with([](Command* command) { command->argv[0] = ""; })) != "");
  CHECK(refusal(with([](Command* command) { command->argv.push_back(std::string(1, '\0')); })) ==
        "cannot add the job true: argv holds a NUL byte");
  CHECK(refusal(with([](Command* command) { command->environment = {"=x"}; })) != "");
  CHECK(refusal(with([](Command* command) { command->limits = {{99, 1}}; })) != "");
  CHECK(refusal(with([](Command* command) { command->timeout = std::chrono::seconds(-1); })) != "");
}

TEST_CASE("commands: a descriptor that the host does not have is refused") {
  Command command;
  command.argv = {"true"};
  command.descriptors = {{9999, 3}};
  CHECK_THROWS_WITH_AS(copy_descriptors(command),
                       "cannot add the job true: descriptor 9999 of the host: Bad file descriptor",
                       Error);
  command.descriptors = {{0, 3}, {0, 3}};
  CHECK_THROWS_AS(copy_descriptors(command), Error);
  command.descriptors = {{0, 3}};
  command.output = Output::kInherit;
  CHECK(copy_descriptors(command).targets == std::vector<std::int32_t>{3, 1, 2});
}

}  // namespace enjoin
