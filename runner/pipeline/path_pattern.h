#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace enjoin {

/// Patterns of paths, as in a shell: `*` and `?` (not a dot that begins a name), `[a-z]`, a
/// backslash before what is meant as it stands; a name `**` stands for any folders, or none, links
/// not followed and hidden ones left out.
bool has_wildcard(std::string_view text);

/// `text` as a pattern that matches just that.
std::string escaped_pattern(std::string_view text);

/// What is there and matches, sorted by its bytes; a relative pattern is looked for in `folder`
/// (empty: where we are), and gives relative paths. A folder that cannot be read has nothing in it.
std::vector<std::string> matching_paths(std::string_view pattern, const std::string& folder = {});

}  // namespace enjoin
