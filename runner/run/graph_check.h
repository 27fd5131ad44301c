#pragma once

#include "runner/graph/job_source.h"

namespace enjoin {

/// Throws Error where a graph that has been read to its end can never be done: jobs that need each
/// other in a ring. Names them.
void check_graph(const GraphPlan& plan, const JobSource& source);

}  // namespace enjoin
