#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "runner/cli/options.h"
#include "runner/cli/tokenizer.h"
#include "support/options.h"

using enjoin::CommandLine;
using enjoin::OptionToken;
using enjoin::SourceWords;
using enjoin::Stage;
using enjoin::tokenize;
using enjoin::test::has;
using enjoin::test::Words;

namespace {

/// "jobs=2 keep-order": the options by key, with their values.
std::string options_of(const CommandLine& line) {
  std::string text;
  for (const OptionToken& token : line.options) {
    if (!text.empty()) text += ' ';
    text += token.flag->key();
    if (token.has_value) text += "=" + token.value;
  }
  return text;
}

std::string options_of(const Words& args) {
  return options_of(tokenize("enjoin", args));
}

std::string error_of(const Words& args, const std::string& program = "enjoin") {
  return enjoin::test::refusal([&] { tokenize(program, args); });
}

}  // namespace

TEST_CASE("tokenizer: bundled letters are resolved, the last may take a value") {
  CHECK(options_of({"-kj2"}) == "keep-order jobs=2");
  CHECK(options_of({"-kj", "2"}) == "keep-order jobs=2");
  CHECK(options_of({"-j+0", "-n1", "-k"}) == "jobs=+0 max-args=1 keep-order");
  CHECK(options_of({"-j", "-1"}) == "jobs=-1");
  CHECK(options_of({"-P4"}) == "jobs=4");
  CHECK(options_of({"-N0", "-Xv"}) == "max-replace-args=0 X v");
  CHECK(options_of({"-d", "", "-I,,"}) == "delimiter= I=,,");
}

TEST_CASE("tokenizer: a long option's value is after = or in the next word") {
  CHECK(options_of({"--jobs=2", "--jobs", "3"}) == "jobs=2 jobs=3");
  CHECK(options_of({"--tagstring="}) == "tagstring=");
  CHECK(options_of({"--tagstring", ""}) == "tagstring=");
  CHECK(options_of({"--halt=now,fail=1"}) == "halt=now,fail=1");
}

TEST_CASE("tokenizer: the optional value of --help is only after =") {
  const CommandLine line = tokenize("enjoin", {"--help", "all"});
  CHECK(options_of(line) == "help");
  CHECK(line.command == Words{"all"});
  CHECK(options_of({"--help=all"}) == "help=all");
}

TEST_CASE("tokenizer: aliases and clear abbreviations stand for their option") {
  CHECK(options_of({"--max-procs=2", "--lb", "--dryrun"}) == "jobs=2 line-buffer dry-run");
  CHECK(options_of({"--tags", "x"}) == "tagstring=x");
  CHECK(options_of({"--keep"}) == "keep-order");
  CHECK(options_of({"--line"}) == "line-buffer");
}

TEST_CASE("tokenizer: an abbreviation of several options is refused with their names") {
  CHECK(error_of({"--job", "2"}) == "--job may be --jobs, --jobserver, --joblog: write more of it");
}

TEST_CASE("tokenizer: the command's own options are left to it") {
  const CommandLine line = tokenize("enjoin", {"-j4", "echo", "-v", "hi", "--", "-k", "--tag"});
  CHECK(options_of(line) == "jobs=4");
  CHECK(line.command == Words{"echo", "-v", "hi", "--", "-k", "--tag"});
  CHECK(tokenize("enjoin", {"-j4", "gcc", "-c", "x.c"}).command == Words{"gcc", "-c", "x.c"});
}

TEST_CASE("tokenizer: -- ends our options") {
  const CommandLine line = tokenize("enjoin", {"-k", "--", "-v", ":::", "a"});
  CHECK(options_of(line) == "keep-order");
  CHECK(line.command == Words{"-v"});
  REQUIRE(line.sources.size() == 1);
}

TEST_CASE("tokenizer: a single dash, + words and empty words begin the command") {
  CHECK(tokenize("enjoin", {"-", "a"}).command == Words{"-", "a"});
  CHECK(tokenize("enjoin", {"+k", "a"}).command == Words{"+k", "a"});
  CHECK(tokenize("enjoin", {"", "a"}).command == Words{"", "a"});
}

TEST_CASE("tokenizer: sources are whole words only, and may be empty") {
  const CommandLine line =
      tokenize("enjoin", {"echo", "a:::", ":::", "1", "-k", "::::", "f", "g", ":::"});
  CHECK(line.command == Words{"echo", "a:::"});
  REQUIRE(line.sources.size() == 3);
  CHECK(line.sources[0].kind == SourceWords::Kind::kArguments);
  CHECK(line.sources[0].words == Words{"1", "-k"});
  CHECK(line.sources[1].kind == SourceWords::Kind::kFiles);
  CHECK(line.sources[1].words == Words{"f", "g"});
  CHECK(line.sources[2].words.empty());
}

TEST_CASE("tokenizer: :::+ and ::::+ are linked sources") {
  const CommandLine line = tokenize("enjoin", {"echo", ":::", "a", ":::+", "b", "::::+", "f"});
  REQUIRE(line.sources.size() == 3);
  CHECK_FALSE(line.sources[0].linked);
  CHECK(line.sources[1].linked);
  CHECK(line.sources[1].kind == SourceWords::Kind::kArguments);
  CHECK(line.sources[2].linked);
  CHECK(line.sources[2].kind == SourceWords::Kind::kFiles);
}

TEST_CASE("tokenizer: --arg-sep and --arg-file-sep put other words in the place of ::: and ::::") {
  const CommandLine line =
      tokenize("enjoin", {"--arg-sep", ",,", "--arg-file-sep=@", "echo", ":::", ",,", "a", ",,+",
                          "b", "@", "f", "@+", "g", "::::"});
  CHECK(line.command == Words{"echo", ":::"});
  REQUIRE(line.sources.size() == 4);
  CHECK(line.sources[1].linked);
  CHECK(line.sources[1].words == Words{"b"});
  CHECK(line.sources[2].kind == SourceWords::Kind::kFiles);
  CHECK(line.sources[3].words == Words{"g", "::::"});
}

TEST_CASE("tokenizer: an optional word is the next one, where that is no option") {
  CHECK(options_of({"-i", "@", "x"}) == "replace=@");
  CHECK(options_of({"-i@", "x"}) == "replace=@");
  CHECK(options_of({"-i", "-k"}) == "replace keep-order");
  CHECK(options_of({"--eof", "-"}) == "eof=-");
  CHECK(options_of({"--eof=", "x"}) == "eof=");
  CHECK(options_of({"-e", ":::", "x"}) == "eof");
}

TEST_CASE("tokenizer: an optional number is the next word, where that is one") {
  CHECK(options_of({"-l", "2", "x"}) == "max-lines=2");
  CHECK(options_of({"-l", "x"}) == "max-lines");
  CHECK(options_of({"-lk", "x"}) == "max-lines keep-order");
  CHECK(options_of({"--max-lines", "1k", "x"}) == "max-lines=1k");
}

TEST_CASE("tokenizer: long names in capitals, and letters as long names") {
  CHECK(options_of({"--KEEP-order", "--Jobs", "2"}) == "keep-order jobs=2");
  CHECK(options_of({"--l", "2", "--k", "--K"}) == "max-lines=2 keep-order keep-order");
}

TEST_CASE("tokenizer: sem, as the first word or as our name, is a semaphore") {
  CHECK(tokenize("enjoin", {"sem", "-j2", "x"}).is_semaphore);
  CHECK(tokenize("enjoin", {"sem", "-j2", "x"}).command == Words{"x"});
  CHECK(tokenize("sem", {"run", "x"}).command == Words{"run", "x"});
  CHECK(tokenize("sem", {"run", "x"}).is_semaphore);
  CHECK_FALSE(tokenize("parallel", {"sem", "x"}).is_semaphore);
}

TEST_CASE("tokenizer: words from elsewhere come first, in layers") {
  const CommandLine line = tokenize("enjoin", {"-j2", "x"}, {{"-k"}, {"--tag", "nice", "-v"}});
  CHECK(options_of(line) == "keep-order tag jobs=2");
  CHECK(line.command == Words{"nice", "-v", "x"});
  CHECK(line.options[0].layer == 0);
  CHECK(line.options[1].layer == 1);
  CHECK(line.options[2].layer == 2);
}

TEST_CASE("tokenizer: --then ends a stage, wherever a word is ours") {
  CommandLine line = tokenize("enjoin", {"echo", "x", ":::", "a", "--then", "b", "--then", "c"});
  CHECK(line.command == Words{"echo", "x"});
  CHECK(line.sources[0].words == Words{"a"});
  CHECK(line.then == Words{"b", "--then", "c"});
  CHECK(tokenize("enjoin", {"echo", "--then"}).then == Words{});
  CHECK(tokenize("enjoin", {"-k", "--then", "b"}).then == Words{"b"});
  CHECK_FALSE(tokenize("enjoin", {"echo", "a --then b"}).then);
  CHECK(has(error_of({"-j", "--then", "b"}), "-j needs a value"));
}

TEST_CASE("tokenizer: --then-sep puts another word in its place") {
  const CommandLine line = tokenize("enjoin", {"--then-sep", ",", "echo", "--then", ",", "b"});
  CHECK(line.command == Words{"echo", "--then"});
  CHECK(line.then == Words{"b"});
}

TEST_CASE("tokenizer: in a later stage no first word is reserved") {
  CHECK(tokenize("enjoin", {"run", "x"}, {}, Stage::kLater).command == Words{"run", "x"});
  CHECK_FALSE(tokenize("enjoin", {"sem", "x"}, {}, Stage::kLater).is_semaphore);
}

TEST_CASE("tokenizer: called as parallel, --then is an ordinary word of a command") {
  CHECK(tokenize("parallel", {"echo", "--then"}).command == Words{"echo", "--then"});
}

TEST_CASE("tokenizer: reserved words are refused as the very first word only") {
  for (const char* word : {"run", "resume", "report", "stress", "top"}) {
    CHECK(has(error_of({word, "{}"}), std::string("enjoin -- ") + word));
    CHECK(error_of({word, "{}"}, "parallel") == "no error");
    CHECK(error_of({"-k", word}) == "no error");
    CHECK(error_of({"--", word}) == "no error");
    CHECK(error_of({std::string("./") + word}) == "no error");
  }
}

TEST_CASE("tokenizer: an unknown option is answered with the nearest known one") {
  CHECK(error_of({"--tagg"}) == "unknown option --tagg; did you mean --tag?");
  CHECK(error_of({"--jbos=2"}) == "unknown option --jbos; did you mean --jobs?");
  CHECK(error_of({"--keep-oder"}) == "unknown option --keep-oder; did you mean --keep-order?");
  CHECK(has(error_of({"--frobnicate"}), "unknown option --frobnicate; enjoin --help=all"));
  CHECK(has(error_of({"--" + std::string(100000, 'x')}), "unknown option"));
  CHECK(has(error_of({"--=x"}), "unknown option --"));
}

TEST_CASE("tokenizer: an unknown letter is refused, with the long option where that was meant") {
  CHECK(has(error_of({"-Z"}), "unknown option -Z;"));
  CHECK(has(error_of({"-kZ"}), "unknown option -Z in -kZ"));
  CHECK(has(error_of({"-bar"}), "did you mean --bar?"));
}

TEST_CASE("tokenizer: a missing value is named with the option's form") {
  CHECK(error_of({"-k", "-j"}) == "-j needs a value: -j N");
  CHECK(error_of({"--joblog"}) == "--joblog needs a value: --joblog FILE");
  CHECK(has(error_of({"-j", ":::", "a"}), "-j needs a value"));
}

TEST_CASE("tokenizer: a value where there is none to take is refused") {
  CHECK(error_of({"--tag=x"}) == "--tag takes no value, but 'x' is given");
}

TEST_CASE("tokenizer: GNU parallel's other options are named, not called unknown") {
  CHECK(has(error_of({"-M"}), "-M is not in enjoin; enjoin runs jobs on this machine"));
  CHECK(has(error_of({"--sqlmaster=x"}), "use --joblog FILE"));
  CHECK(has(error_of({"--tmux"}), "use --line-buffer --tag"));
  CHECK(error_of({"-kg"}) == "-g is not in enjoin; use --group");
}

TEST_CASE("flag table: every name and letter belongs to one option") {
  for (const enjoin::Flag& flag : enjoin::all_flags()) {
    for (const char letter : flag.letters) CHECK(enjoin::find_letter(letter) == &flag);
    enjoin::for_each_name(flag, [&](std::string_view name) {
      CHECK_MESSAGE(enjoin::find_name(name) == &flag, std::string(name));
    });
    if (flag.standing == enjoin::Flag::Standing::kHere) CHECK_FALSE(flag.text.empty());
  }
}
