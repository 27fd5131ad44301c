#include "runner/jsonl/job_paths.h"

#include <algorithm>
#include <cstdlib>
#include <unistd.h>

#include <fmt/format.h>

#include "worker/shell_quote.h"

namespace enjoin {
namespace {

const std::vector<std::string>& default_shell() {
  static const std::vector<std::string> words{"bash", "-euo", "pipefail"};
  return words;
}

std::string from_here(const std::string& folder, const std::string& path) {
  if (folder.empty() || path.starts_with('/')) return path;
  return folder + (folder.ends_with('/') ? "" : "/") + path;
}

std::vector<std::string> paths(const JobLine& line, const std::vector<std::string>& files,
                               const std::string& stream) {
  std::vector<std::string> paths;
  paths.reserve(files.size() + 1);
  for (const std::string& file : files) paths.push_back(from_here(line.folder, file));
  if (!stream.empty()) {
    std::string path = from_here(line.folder, stream);
    const bool counts = !path.starts_with("/dev/") && !path.starts_with("/proc/");
    if (counts && std::find(paths.begin(), paths.end(), path) == paths.end()) {
      paths.push_back(std::move(path));
    }
  }
  return paths;
}

}  // namespace

std::string unnamed_id(std::uint64_t line_number) {
  return fmt::format("line {}", line_number);
}

bool is_in_path(const std::string& program) {
  const char* const path = std::getenv("PATH");
  std::string_view left = path == nullptr ? "/usr/bin:/bin" : path;
  while (true) {
    const std::size_t end = left.find(':');
    const std::string_view folder = left.substr(0, end);
    const std::string file = fmt::format("{}/{}", folder.empty() ? "." : folder, program);
    if (::access(file.c_str(), X_OK) == 0) return true;
    if (end == left.npos) return false;
    left.remove_prefix(end + 1);
  }
}

JobRecipe make_recipe(const JobLine& line) {
  JobRecipe recipe;
  if (line.line.empty()) {
    recipe.argv = line.argv;
  } else {
    recipe.line = line.line;
    recipe.shell = line.shell.empty() ? default_shell() : line.shell;
  }
  recipe.folder = line.folder;
  recipe.stdin_path = line.stdin_path;
  recipe.stdout_path = line.stdout_path;
  recipe.stderr_path = line.stderr_path;
  recipe.environment = line.environment;
  recipe.leftovers = line.leftovers;
  recipe.isolate = line.isolate;
  return recipe;
}

std::string command_text(const JobLine& line) {
  if (!line.line.empty()) return line.line;
  std::string text;
  for (const std::string& word : line.argv) {
    if (!text.empty()) text += ' ';
    append_shell_quoted(word, &text);
  }
  return text;
}

std::vector<std::string> input_paths(const JobLine& line) {
  return paths(line, line.inputs, line.stdin_path);
}

std::vector<std::string> output_paths(const JobLine& line) {
  return paths(line, line.outputs, line.stdout_path);
}

std::uint64_t hash_words(const std::vector<std::string>& words, IdentityHash& hash) {
  hash.reset();
  for (const std::string& word : words) hash.add(word);
  return hash.value64();
}

std::uint64_t hash_command(const JobLine& line, IdentityHash& hash) {
  hash.reset();
  hash.add(std::uint64_t{line.argv.size()});
  for (const std::string& word : line.argv) hash.add(word);
  if (!line.line.empty()) {
    for (const std::string& word : line.shell.empty() ? default_shell() : line.shell) {
      hash.add(word);
    }
    hash.add(line.line);
  }
  return hash.add(line.folder)
      .add(line.stdin_path)
      .add(line.stdout_path)
      .add(line.stderr_path)
      .value64();
}

}  // namespace enjoin
