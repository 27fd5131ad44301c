#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runner/jsonl/job_line.h"
#include "runner/record/identity.h"
#include "worker/job_recipe.h"

namespace enjoin {

/// The id of a job whose line gives it none.
std::string unnamed_id(std::uint64_t line_number);
bool is_in_path(const std::string& program);

/// How to run it; without its label.
JobRecipe make_recipe(const JobLine& line);
/// What it runs, for people: a line for the shell that does the same.
std::string command_text(const JobLine& line);

/// Its files as paths from our own folder. stdin counts as an input and stdout as an output, where
/// they are not among them; devices do not count.
std::vector<std::string> input_paths(const JobLine& line);
std::vector<std::string> output_paths(const JobLine& line);

/// Identity::command.
std::uint64_t hash_command(const JobLine& line, IdentityHash& hash);
std::uint64_t hash_words(const std::vector<std::string>& words, IdentityHash& hash);

}  // namespace enjoin
