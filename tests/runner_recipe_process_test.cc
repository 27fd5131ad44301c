#include <csignal>
#include <fcntl.h>
#include <string>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "support/recipe_run.h"
#include "worker/process_tree.h"

using namespace enjoin;
using namespace enjoin::test;

namespace {

RecipeRun run_one(const JobRecipe& recipe) {
  return run_recipes(recipe_spec(1), {recipe});
}

JobRecipe in_folder(JobRecipe recipe, const Folder& folder) {
  recipe.folder = folder.path();
  return recipe;
}

}  // namespace

// ---- commands -----------------------------------------------------------------------------------

TEST_CASE("recipe: a line runs in its shell, with the shell's options") {
  const RecipeRun ran = run_recipes(
      recipe_spec(2), {bash("echo a | cat"), bash("false; echo no"), bash("false | true"),
                       bash("echo $undefined"), bash("/bin/echo plain")});
  CHECK(ran.of(1).status() == 0);
  CHECK(ran.of(1).kept[0] == "a\n");
  CHECK(ran.of(2).status() == 1);
  CHECK(ran.of(2).kept[0].empty());
  CHECK(ran.of(3).status() == 1);
  CHECK(ran.of(4).status() == 1);
  CHECK(ran.of(4).kept[1].find("undefined: unbound variable") != std::string::npos);
  CHECK(ran.of(5).kept[0] == "plain\n");
}

TEST_CASE("recipe: a plain line is executed without its shell") {
  // A shell that does not exist shows that it is not asked.
  JobRecipe plain = bash("/bin/echo 'a  b' c");
  plain.shell[0] = "/nonexistent/bash";
  JobRecipe other = plain;
  other.shell = {"/nonexistent/bash", "-x"};
  JobRecipe reads_more = plain;
  reads_more.environment = {"BASH_ENV=/dev/null"};
  const RecipeRun ran = run_recipes(recipe_spec(1), {plain, other, reads_more});
  CHECK(ran.of(1).kept[0] == "a  b c\n");
  CHECK(std::get<SpawnFailed>(ran.of(2).result.outcome).error == ENOENT);
  CHECK(std::get<SpawnFailed>(ran.of(3).result.outcome).error == ENOENT);
  CHECK(ran.of(2).kept[1] ==
        "enjoin: stage[item]: cannot execute '/nonexistent/bash': No such file or directory\n");
}

TEST_CASE("recipe: words are executed as they are") {
  const RecipeRun ran = run_one(words({"printf", "%s|", "$HOME", "a b", "", "*"}));
  CHECK(ran.of(1).kept[0] == "$HOME|a b||*|");
}

TEST_CASE("recipe: words are found in the PATH of the job, and in its folder") {
  const Folder folder;
  folder.write("greet", "#!/bin/sh\necho greeted\n");
  ::chmod(folder.at("greet").c_str(), 0755);
  JobRecipe by_path = words({"greet"});
  by_path.environment = {"PATH=/nonexistent:" + folder.path()};
  JobRecipe relative = in_folder(words({"greet"}), folder);
  relative.environment = {"PATH=."};
  const RecipeRun ran =
      run_recipes(recipe_spec(1), {by_path, relative, in_folder(words({"./greet"}), folder),
                                   words({"greet"}), in_folder(bash("./greet"), folder)});
  for (const std::uint64_t seq : {1U, 2U, 3U, 5U}) CHECK(ran.of(seq).kept[0] == "greeted\n");
  CHECK(std::get<SpawnFailed>(ran.of(4).result.outcome).error == ENOENT);
  CHECK(ran.of(4).kept[1] ==
        "enjoin: stage[item]: there is no program 'greet': No such file or directory\n");
}

TEST_CASE("recipe: a program that is not there is the shell's to name, in a line") {
  const RecipeRun ran = run_one(bash("no-such-program-here"));
  CHECK(ran.of(1).status() == 127);
  CHECK(ran.of(1).kept[1].find("command not found") != std::string::npos);
}

TEST_CASE("recipe: one without a command is a job that cannot be started") {
  const RecipeRun ran = run_one(words({}));
  CHECK(std::get<SpawnFailed>(ran.of(1).result.outcome).error == ENOENT);
  CHECK(ran.of(1).kept[1] == "enjoin: stage[item]: it has no command\n");
}

TEST_CASE("recipe: one that does nothing needs no process, but makes its files") {
  const Folder folder;
  JobRecipe with_file = in_folder(bash(":"), folder);
  with_file.stdout_path = "made";
  const RecipeRun ran = run_recipes(recipe_spec(1), {bash(":"), with_file});
  CHECK(ran.of(1).status() == 0);
  CHECK(ran.of(2).status() == 0);
  CHECK(::access(folder.at("made").c_str(), F_OK) == 0);
}

// ---- folder, environment, files ---------------------------------------------------------------

TEST_CASE("recipe: a job runs in its folder, and $PWD says so") {
  const Folder folder;
  const RecipeRun ran =
      run_recipes(recipe_spec(1), {in_folder(bash("pwd -P"), folder),
                                   in_folder(words({"printenv", "PWD"}), folder), words({"pwd"})});
  CHECK(ran.of(1).kept[0] == folder.path() + '\n');
  CHECK(ran.of(2).kept[0] == folder.path() + '\n');
  CHECK(ran.of(3).kept[0] == std::filesystem::current_path().string() + '\n');
}

TEST_CASE("recipe: a folder that is not there is named") {
  JobRecipe recipe = bash("true");
  recipe.folder = "/nonexistent/a\nb";
  const RecipeRun ran = run_one(recipe);
  CHECK(std::get<SpawnFailed>(ran.of(1).result.outcome).error == ENOENT);
  CHECK(ran.of(1).kept[1] ==
        "enjoin: stage[item]: cannot enter its folder '/nonexistent/a\\nb': No "
        "such file or directory\n");
}

TEST_CASE("recipe: variables are set and taken away for one job alone") {
  ::setenv("ENJOIN_TEST_GIVEN", "given", 1);
  JobRecipe recipe = words({"sh", "-c", "echo ${ENJOIN_TEST_GIVEN-none} ${ENJOIN_TEST_NEW-none}"});
  JobRecipe changed = recipe;
  changed.environment = {"ENJOIN_TEST_NEW=first", "ENJOIN_TEST_GIVEN", "ENJOIN_TEST_NEW=a=b"};
  const RecipeRun ran = run_recipes(recipe_spec(1), {recipe, changed, recipe});
  ::unsetenv("ENJOIN_TEST_GIVEN");
  CHECK(ran.of(1).kept[0] == "given none\n");
  CHECK(ran.of(2).kept[0] == "none a=b\n");
  CHECK(ran.of(3).kept[0] == "given none\n");
}

TEST_CASE("recipe: files of the streams lie in the job's folder, and replace what was there") {
  const Folder folder;
  folder.write("in", "from the file\n");
  folder.write("out", "a long text that was there before\n");
  JobRecipe recipe = in_folder(bash("cat; echo error >&2"), folder);
  recipe.stdin_path = "in";
  recipe.stdout_path = "out";
  recipe.stderr_path = folder.at("err");
  const RecipeRun ran = run_one(recipe);
  CHECK(ran.of(1).status() == 0);
  CHECK(folder.read("out") == "from the file\n");
  CHECK(folder.read("err") == "error\n");
  CHECK(ran.out.empty());
  CHECK(ran.err.empty());
  CHECK(ran.of(1).kept[0].empty());
}

TEST_CASE("recipe: one file for both streams gets both in order") {
  const Folder folder;
  JobRecipe recipe = in_folder(bash("echo 1; echo 2 >&2; echo 3"), folder);
  recipe.stdout_path = recipe.stderr_path = "log";
  CHECK(run_one(recipe).of(1).status() == 0);
  CHECK(folder.read("log") == "1\n2\n3\n");
}

TEST_CASE("recipe: stdin is empty where no file is named") {
  CHECK(run_one(bash("wc -c")).of(1).kept[0] == "0\n");
}

TEST_CASE("recipe: a stdin that is not there is named, and nothing is run or emptied") {
  const Folder folder;
  folder.write("out", "kept\n");
  JobRecipe recipe = in_folder(bash("cat"), folder);
  recipe.stdin_path = "gone";
  recipe.stdout_path = "out";
  const RecipeRun ran = run_one(recipe);
  CHECK(std::get<SpawnFailed>(ran.of(1).result.outcome).error == ENOENT);
  CHECK(ran.of(1).kept[1] ==
        "enjoin: stage[item]: cannot open its stdin 'gone': No such file or directory\n");
  CHECK(ran.err == ran.of(1).kept[1]);
  CHECK(folder.read("out") == "kept\n");
}

TEST_CASE("recipe: a fifo as a stream's file fails the job instead of holding up its worker") {
  const Folder folder;
  REQUIRE(::mkfifo(folder.at("pipe").c_str(), 0600) == 0);
  JobRecipe reads = in_folder(bash("cat"), folder);
  reads.stdin_path = "pipe";
  JobRecipe writes = in_folder(bash("echo"), folder);
  writes.stdout_path = "pipe";
  const RecipeRun ran = run_recipes(recipe_spec(1), {reads, writes});
  for (const std::uint64_t seq : {1U, 2U}) {
    CHECK(std::get<SpawnFailed>(ran.of(seq).result.outcome).error == EINVAL);
    CHECK(ran.of(seq).kept[1].find("'pipe' is a fifo") != std::string::npos);
  }
}

TEST_CASE("recipe: the label is the tag of its output") {
  TeamSpec spec = recipe_spec(1);
  spec.worker.tag.emplace();
  spec.worker.tag->words = {"{}"};
  spec.worker.tag->quote_values = false;
  const RecipeRun ran = run_recipes(spec, {bash("echo one; echo two")});
  CHECK(ran.out == "stage[item]\tone\nstage[item]\ttwo\n");
  CHECK(ran.of(1).kept[0] == "one\ntwo\n");
}

// ---- ends -------------------------------------------------------------------------------------

TEST_CASE("recipe: leftovers are dealt with as each job wants it") {
  JobRecipe kills = bash("sleep 600 & true");
  kills.leftovers = Leftovers::kKill;
  JobRecipe fails = kills;
  fails.leftovers = Leftovers::kFail;
  const RecipeRun ran = run_recipes(recipe_spec(1), {kills, fails, bash("echo next")});
  CHECK(ran.of(1).status() == 0);
  CHECK(ran.of(1).result.left_processes);
  CHECK(ran.of(2).status() == 1);
  CHECK(ran.of(3).kept[0] == "next\n");
  CHECK(list_children().empty());
}

TEST_CASE("recipe: each job has its own limit of time") {
  std::vector<Job> jobs = recipe_jobs({bash("echo begun; sleep 600"), bash("true")});
  jobs[0].timeout = std::chrono::milliseconds(100);
  const RecipeRun ran = run_recipes(recipe_spec(1), std::move(jobs), [](LocalTeam&) {});
  CHECK(std::holds_alternative<TimedOut>(ran.of(1).result.outcome));
  CHECK(ran.of(1).kept[0] == "begun\n");
  CHECK(ran.of(2).status() == 0);
}

TEST_CASE("recipe: a job whose description is damaged never runs") {
  std::vector<Job> jobs = recipe_jobs({bash("true")});
  jobs[0].inputs.pop_back();
  const RecipeRun ran = run_recipes(recipe_spec(1), std::move(jobs), [](LocalTeam&) {});
  CHECK(std::holds_alternative<SpawnFailed>(ran.of(1).result.outcome));
}

TEST_CASE("recipe: isolated and other jobs take turns on one worker") {
  const Folder folder;
  JobRecipe isolated = in_folder(bash("echo in $$; echo text > file; touch /tmp/hidden"), folder);
  isolated.isolate = Isolate::kPid;
  JobRecipe plain =
      in_folder(bash("cat file; test ! -e /tmp/hidden; cat /proc/self/uid_map"), folder);
  const RecipeRun ran = run_recipes(recipe_spec(1), {plain, isolated, plain, isolated, plain});
  if (std::holds_alternative<SpawnFailed>(ran.of(2).result.outcome)) return;  // not allowed here
  CHECK(ran.of(2).kept[0] == "in 2\n");
  CHECK(ran.of(4).kept[0] == "in 2\n");
  CHECK(ran.of(3).status() == 0);
  CHECK(ran.of(3).kept[0] == ran.of(5).kept[0]);
  CHECK(ran.of(3).kept[0].find("4294967295") != std::string::npos);
}
