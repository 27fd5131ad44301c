#pragma once

#include <memory>

#include "runner/input/input_source.h"
#include "runner/pipe/record_splitter.h"

namespace enjoin {

/// --group-by: records of `inner` that follow each other and have the same key are one record.
/// Where the column is given by name and there is no --header, the first line becomes the header:
/// spec->header is set. Throws as KeyColumn does.
std::unique_ptr<RecordSplitter> make_group_splitter(PipeSpec* spec, const InputSpec& input,
                                                    std::unique_ptr<RecordSplitter> inner);

}  // namespace enjoin
