#include <exception>

#include "runner/pool/pool_processes.h"
#include "runner/pool/process_pool.h"
#include "runner/pool/thread_pool.h"

namespace enjoin {

detail::PoolCore* detail::PoolCore::make(const PoolOptions& options) {
  if (options.workers == Workers::kThreads) return new ThreadPool(options);
  return new ProcessPool(options, &make_pool_processes);
}

Pool::Pool(const PoolOptions& options)
    : core_(detail::PoolCore::make(options)), exceptions_(std::uncaught_exceptions()) {}

}  // namespace enjoin
