#pragma once

#include <memory>
#include <string>

#include "runner/pipe/record_splitter.h"

namespace enjoin {

/// --regexp: records whose end and start are Perl regular expressions, one of which may be empty.
/// `^` and `$` match at each line, `.` no newline. Throw UsageError where one cannot be compiled.
std::unique_ptr<RecordSplitter> make_regex_splitter(const std::string& end,
                                                    const std::string& start);
std::unique_ptr<SeparatorRemover> make_regex_remover(const std::string& end,
                                                     const std::string& start);

}  // namespace enjoin
