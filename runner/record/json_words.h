#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace enjoin {

/// A JSON array of strings. Bytes that are no UTF-8 stay as they are.
std::string to_json_array(const std::vector<std::string>& words);
/// Reads what to_json_array() wrote. Throws Error for anything else.
std::vector<std::string> from_json_array(std::string_view text);

}  // namespace enjoin
