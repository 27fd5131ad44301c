#pragma once

#include <string>

namespace enjoin {

// All of these are made from the option table (flag_table.h), and end with a newline.

/// --help: at most 24 lines of 80 columns.
std::string short_help();
/// --help=all: every option, by group, with the first sentence of what it does.
std::string full_help();
/// --version: "enjoin X.Y.Z".
std::string version_line();

/// The manual page, for man(7).
std::string man_page();
/// The one about run, resume and report.
std::string run_man_page();

/// Completions for the shells: options, their values, and the command's own after it.
std::string bash_completion();
std::string zsh_completion();
std::string fish_completion();

}  // namespace enjoin
