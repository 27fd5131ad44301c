#pragma once

#include <memory>

#include "runner/pipe/record_splitter.h"

namespace enjoin {

/// --csv: records end with a newline that is in no quotes.
std::unique_ptr<RecordSplitter> make_csv_splitter();

}  // namespace enjoin
