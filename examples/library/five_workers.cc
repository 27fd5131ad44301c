// Five workers and ten jobs, as courses on threads set it: a job prints in one piece, and the next
// step waits for all of them. With Workers::kThreads it is the same program, on threads.

#include <cstdio>
#include <string>
#include <vector>

#include "enjoin/pool.h"
#include "enjoin/shared.h"

namespace {

long square(enjoin::shared::Memory memory, enjoin::shared::Counter done, int number) {
  const long result = static_cast<long>(number) * number;
  enjoin::shared::print(memory, "job " + std::to_string(number) + " is done\n  and its square is " +
                                    std::to_string(result));
  done.add();
  return result;
}
ENJOIN_FUNCTION(square);

}  // namespace

int main(int argc, char** argv) {
  enjoin::worker_main(argc, argv);
  enjoin::shared::Memory memory;
  enjoin::shared::Counter done(memory);
  enjoin::Pool pool({.size = 5, .shared = &memory});
  std::vector<enjoin::Future<long>> squares;
  for (int number = 1; number <= 10; ++number) {
    squares.push_back(pool.submit(square, memory, done, number));
  }
  pool.join();  // all are done before this step
  long sum = 0;
  for (auto& square_of_one : squares) sum += square_of_one.get();
  std::printf("%ld jobs are done, the sum is %ld\n", static_cast<long>(done.load()), sum);
}
