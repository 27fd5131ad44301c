#include <chrono>
#include <csignal>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "runner/cli/options.h"
#include "support/options.h"

using enjoin::CpuUnit;
using enjoin::Invocation;
using enjoin::Options;
using enjoin::OutputMode;
using enjoin::parse_command_line;
using enjoin::PipeSpec;
using enjoin::SemaphoreSpec;
using enjoin::Verbose;
using namespace enjoin::test;
using namespace std::chrono_literals;

TEST_CASE("options: what is said about inputs arrives") {
  const Options options =
      options_of({"--link", "-C", ",", "--header", ":", "--csv", "-E", "end", "--shuf", "--seed=7",
                  "--skip-first-line", "--filter", "{1}<3", "--filter", "{2}>1", "echo"});
  CHECK(options.input.link_all);
  CHECK(options.input.column_regex == ",");
  CHECK(options.input.header == ":");
  CHECK(options.input.csv);
  CHECK(options.input.end_marker == "end");
  CHECK(options.input.shuffle);
  CHECK(options.input.seed == 7U);
  CHECK(options.input.skip_first_line);
  CHECK(options.filters == Words{"{1}<3", "{2}>1"});
}

TEST_CASE("options: columns are trimmed unless --trim says otherwise") {
  CHECK(options_of({"--colsep=,", "echo"}).input.trim.left);
  CHECK(options_of({"--colsep=,", "echo"}).input.trim.right);
  CHECK_FALSE(options_of({"--colsep=,", "--trim", "n", "echo"}).input.trim.left);
  CHECK_FALSE(options_of({"echo"}).input.trim.left);
  CHECK(options_of({"--trim=l", "echo"}).input.trim.left);
  CHECK_FALSE(options_of({"--trim=l", "echo"}).input.trim.right);
  CHECK(options_of({"--trim=rl", "echo"}).input.trim.right);
  CHECK(error_of({"--trim", "x", "echo"}) == "--trim 'x': expected n, l, r, lr or rl");
}

TEST_CASE("options: :::+ marks its source, and all files of ::::+") {
  const Options options = options_of({"echo", ":::", "a", ":::+", "b", "::::+", "f", "g"});
  REQUIRE(options.input.sources.size() == 4);
  CHECK_FALSE(options.input.sources[0].linked);
  CHECK(options.input.sources[1].linked);
  CHECK(options.input.sources[2].linked);
  CHECK(options.input.sources[3].linked);
}

TEST_CASE("options: -e without a value undoes the end marker") {
  CHECK(options_of({"-eEND", "echo"}).input.end_marker == "END");
  CHECK(options_of({"--eof=END", "echo"}).input.end_marker == "END");
  CHECK_FALSE(options_of({"-e", ":::", "a"}).input.end_marker.has_value());
}

TEST_CASE("options: --part takes K/N with K from 1 to N") {
  const Options options = options_of({"--part", "3/10", "echo"});
  CHECK(options.selection.part == 3);
  CHECK(options.selection.parts == 10);
  for (const char* wrong : {"0/10", "11/10", "3", "3/", "/3", "a/b", "-1/3", "1/0"})
    CHECK(has(error_of({"--part", wrong, "echo"}), "K/N"));
}

TEST_CASE("options: replacement strings and their other names") {
  const Options options = options_of({"--plus", "--rpl", "{x} s/a/b/", "--rpl={y} $_=1", "--er",
                                      "@", "--bnr=,", "--dnr=;", "--bner=+", "--seqreplace=#",
                                      "--slotreplace=%", "--parens", "[[]]", "-i", "%%", "echo"});
  CHECK(options.command.plus);
  CHECK(options.command.definitions == Words{"{x} s/a/b/", "{y} $_=1"});
  REQUIRE(options.command.renames.size() == 6);
  std::string renames;
  for (const auto& rename : options.command.renames) renames += rename.from + rename.to;
  for (const char* pair : {"{.}@", "{/},", "{//};", "{/.}+", "{#}#", "{%}%"})
    CHECK_MESSAGE(has(renames, pair), pair);
  CHECK(options.command.perl_open == "[[");
  CHECK(options.command.perl_close == "]]");
  CHECK(options.command.replace_string == "%%");
  CHECK(options_of({"-I@", "-i", ":::", "x"}).command.replace_string == "{}");
  CHECK(has(error_of({"--parens", ",,,", "echo"}), "of the same length"));
  CHECK(has(error_of({"--rpl", "", "echo"}), "--rpl ''"));
}

TEST_CASE("options: --shellquote counts") {
  CHECK(options_of({"--shellquote", "--shell-quote", "echo"}).shell_quotes == 2);
}

TEST_CASE("options: --delay may adapt") {
  const Options options = options_of({"--delay", "0.1auto", "echo"});
  CHECK(options.delay == 100ms);
  CHECK(options.delay_adapts);
  CHECK(has(error_of({"--delay", "auto", "echo"}), "--delay"));
}

TEST_CASE("options: --termseq is signals and milliseconds in turn") {
  const auto ladder = options_of({"--termseq", "int,300,SIGTERM,50,9", "echo"}).stop_ladder;
  REQUIRE(ladder.size() == 3);
  CHECK(ladder[0].signal == SIGINT);
  CHECK(ladder[0].wait_ms == 300);
  CHECK(ladder[1].signal == SIGTERM);
  CHECK(ladder[2].signal == SIGKILL);
  CHECK(ladder[2].wait_ms == 0);
  for (const char* wrong : {"", "TERM,", "TERM,x", "FOO,1", "TERM,-1", "0,1", "TERM,1,"})
    CHECK(has(error_of({"--termseq", wrong, "echo"}), "signals and milliseconds"));
}

TEST_CASE("options: what is said about running arrives") {
  const Options options = options_of({"--load=80%",
                                      "--memfree=1G",
                                      "--memsuspend",
                                      "2G",
                                      "--noswap",
                                      "--limit",
                                      "io 10",
                                      "--wd",
                                      "dir{}",
                                      "--env",
                                      "A",
                                      "--env",
                                      "_",
                                      "--process-slot-var=S",
                                      "--open-tty",
                                      "--use-cores-instead-of-threads",
                                      "--tmpdir",
                                      "t",
                                      "--total-jobs",
                                      "9",
                                      "echo"});
  CHECK(options.admission.load == "80%");
  CHECK(options.admission.free_memory == std::uint64_t{1} << 30);
  CHECK(options.admission.suspend_memory == std::uint64_t{2} << 30);
  CHECK(options.admission.no_swap);
  CHECK(options.admission.limit_command == "io 10");
  CHECK(options.work_folder == "dir{}");
  CHECK(options.environment == Words{"A", "_"});
  CHECK(options.slot_variable == "S");
  CHECK(options.terminal);
  CHECK(options.jobs_text.empty());
  CHECK(options.cpu_unit == CpuUnit::kCores);
  CHECK(options.scratch_folder == "t");
  CHECK(options.total_jobs == 9U);
  CHECK(has(error_of({"--process-slot-var=1x", "echo"}), "the name of a variable"));
}

TEST_CASE("options: --tty is one job at a time and ungrouped, unless said otherwise") {
  const Options options = options_of({"--tty", "echo"});
  CHECK(options.terminal);
  CHECK(options.jobs_text == "1");
  CHECK(options.output == OutputMode::kUngroup);
  CHECK(options_of({"--tty", "-j3", "echo"}).jobs_text == "3");
  CHECK(options_of({"--tty", "--group", "echo"}).output == OutputMode::kGroup);
}

TEST_CASE("options: -p shows each command line") {
  CHECK(options_of({"-p", "echo"}).interactive);
  CHECK(options_of({"-p", "echo"}).verbose == Verbose::kToStderr);
}

TEST_CASE("options: what is said about output arrives") {
  const Options options =
      options_of({"--compress-program", "zstd -3", "--files", "--results=r", "--latest-line",
                  "--color", "--color-failed", "--ctagstring", "{}", "echo"});
  CHECK(options.compress);
  CHECK(options.compress_program == "zstd -3");
  CHECK(options.files);
  CHECK(options.results == "r");
  CHECK(options.latest_line);
  CHECK(options.color);
  CHECK(options.color_failed);
  CHECK(options.color_tag);
  CHECK(options.tag);
  CHECK(options.tag_string == "{}");
  CHECK_FALSE(options_of({"-u", "--ctag", "--color", "echo"}).color);
}

TEST_CASE("options: resuming needs to know from where") {
  CHECK(options_of({"--resume", "--joblog=l", "echo"}).selection.resume);
  CHECK(options_of({"--resume", "--results=r", "echo"}).selection.resume);
  CHECK(options_of({"--retry-failed", "--joblog=l"}).selection.retry_failed);
  CHECK(has(error_of({"--resume", "echo"}), "--resume needs --joblog"));
  CHECK(has(error_of({"--resume-failed", "echo"}), "--resume-failed needs --joblog"));
  CHECK(has(error_of({"--retry-failed"}), "--retry-failed needs --joblog"));
}

TEST_CASE("options: --pipe cuts stdin into lines by default") {
  const PipeSpec pipe = options_of({"--pipe", "wc"}).pipe;
  CHECK(pipe.mode == PipeSpec::Mode::kPipe);
  CHECK(pipe.block_bytes == 1 << 20);
  CHECK(pipe.record_end == "\n");
  CHECK(pipe.record_start.empty());
  CHECK(options_of({"wc"}).pipe.mode == PipeSpec::Mode::kNone);
}

TEST_CASE("options: some options imply --pipe") {
  for (const Words& args :
       {Words{"--cat", "wc"}, Words{"--fifo", "wc"}, Words{"--round", "wc"}, Words{"--tee", "wc"},
        Words{"--shard", "1", "wc"}, Words{"--bin=1", "wc"}, Words{"--groupby", "1", "wc"}})
    CHECK(options_of(args).pipe.mode == PipeSpec::Mode::kPipe);
  CHECK(options_of({"--pipepart", "--round", "-a", "f", "wc"}).pipe.mode == PipeSpec::Mode::kPart);
}

TEST_CASE("options: with --pipe, -N and -L count records and lines, and --header is its own") {
  const Options options = options_of({"--pipe", "-N3", "-L2", "--header", ":", "wc"});
  CHECK(options.pipe.records_per_block == 3);
  CHECK(options.pipe.lines_per_record == 2);
  CHECK(options.pipe.header == ":");
  CHECK(options.batch.max_records == 1);
  CHECK(options.batch.max_lines == 0);
  CHECK_FALSE(options.input.header.has_value());
  CHECK(options_of({"-n4", "--pipe", "wc"}).pipe.records_per_block == 4);
}

TEST_CASE("options: --block takes sizes, and blocks a slot with --pipe-part") {
  CHECK(options_of({"--pipe", "--block", "1.5M", "wc"}).pipe.block_bytes == 1572864);
  CHECK(options_of({"--pipepart", "--block", "-2", "-a", "f", "wc"}).pipe.blocks_per_worker == 2);
  CHECK(has(error_of({"--pipe", "--block", "0", "wc"}), "at least one byte"));
  CHECK(has(error_of({"--pipe", "--block", "-1", "wc"}), "need --pipe-part"));
}

TEST_CASE("options: records begin and end with text, with escapes, or with an expression") {
  const PipeSpec both = options_of({"--pipe", "--recstart", ">\\t", "--recend=\\n", "wc"}).pipe;
  CHECK(both.record_start == ">\t");
  CHECK(both.record_end == "\n");
  CHECK(options_of({"--pipe", "--recstart=>", "wc"}).pipe.record_end.empty());
  CHECK(options_of({"--pipe", "--recend=", "wc"}).pipe.record_end.empty());
  const PipeSpec regex = options_of({"--pipe", "--regexp", "--recend", "a\\d", "wc"}).pipe;
  CHECK(regex.regex);
  CHECK(regex.record_end == "a\\d");
  CHECK(options_of({"--pipe", "--rrs", "wc"}).pipe.remove_separator);
}

TEST_CASE("options: what excludes each other is refused with both names") {
  CHECK(error_of({"--cat", "--fifo", "wc"}) == "--cat and --fifo exclude each other");
  CHECK(error_of({"--tee", "--round", "wc"}) == "--tee and --round-robin exclude each other");
  CHECK(error_of({"--shard=1", "--bin=1", "wc"}) == "--shard and --bin exclude each other");
  CHECK(error_of({"--fg", "--bg", "x"}) == "--fg and --bg exclude each other");
}

TEST_CASE("options: a semaphore, by its name or by its options") {
  const Invocation named = parse_command_line("enjoin", {"sem", "--id", "x", "-j2", "a", "b"});
  CHECK(named.action == Invocation::Action::kSemaphore);
  CHECK(named.semaphore.id == "x");
  CHECK(named.options.jobs_text == "2");
  CHECK(named.options.command.words == Words{"a", "b"});
  for (const Words& args : {Words{"--semaphore", "a"}, Words{"--id=x", "a"}, Words{"--fg", "a"},
                            Words{"--bg", "a"}, Words{"--st", "1", "a"}, Words{"--wait"}})
    CHECK(parse_command_line("parallel", args).action == Invocation::Action::kSemaphore);
  CHECK(parse_command_line("sem", {"a"}).options.jobs_text == "1");
  CHECK(has(error_of({}, "sem"), "sem needs a command"));
  CHECK(has(error_of({"a", ":::", "b"}, "sem"), "takes no inputs"));
}

TEST_CASE("options: a semaphore's timeout may be negative, then it gives up") {
  const SemaphoreSpec taking = parse_command_line("sem", {"--st", "2", "a"}).semaphore;
  CHECK(taking.timeout == 2s);
  CHECK_FALSE(taking.give_up);
  const SemaphoreSpec leaving = parse_command_line("sem", {"--st", "-2", "a"}).semaphore;
  CHECK(leaving.timeout == 2s);
  CHECK(leaving.give_up);
}

TEST_CASE("options: those that show a number exit after it") {
  for (const char* word : {"--number-of-cpus", "--number-of-cores", "--number-of-sockets",
                           "--number-of-threads", "--max-line-length-allowed"}) {
    const Invocation shown = parse_command_line("enjoin", {word});
    CHECK(shown.action == Invocation::Action::kShow);
    CHECK(std::stoul(shown.text) > 0);
  }
  CHECK(parse_command_line("enjoin", {"--minversion", "20200101"}).status == 0);
  CHECK(parse_command_line("enjoin", {"--minversion", "29990101"}).status == 255);
  CHECK(has(parse_command_line("enjoin", {"--show-limits", "echo"}).text, "Maximal size"));
}

TEST_CASE("options: --tollef is refused, but beside --gnu") {
  CHECK(has(error_of({"--tollef", "echo"}), "put --gnu beside it"));
  CHECK(error_of({"--tollef", "--gnu", "echo"}) == "no error");
}

TEST_CASE("options: another machine is refused, this one is not") {
  CHECK(options_of({"-S", ":", "echo"}).command.words == Words{"echo"});
  CHECK(has(error_of({"-S", "host", "echo"}), "enjoin runs jobs") == false);
  CHECK(has(error_of({"-S", "host", "echo"}), "--sshlogin is not in enjoin"));
}
