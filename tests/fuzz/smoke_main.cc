// The fuzz targets without libFuzzer: seeded mutations of the seeds, a fixed number of them, so
// that the targets run with every compiler in every test run. usage: fuzz_X [ITERATIONS [SEED]] |
// FILE... | --seeds FOLDER. With names of files it runs those instead, to look again at what
// libFuzzer found; with --seeds it writes the seeds to files for libFuzzer to start from.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "fuzz/fuzz.h"

namespace edgesentry::fuzz {
namespace {

constexpr std::size_t kInputMax = 1 << 14;

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  Bytes mutate(const std::vector<Bytes>& from) {
    Bytes input = from[below(from.size())];
    for (std::size_t changes = 1 + below(8); changes > 0; --changes) change(input, from);
    if (input.size() > kInputMax) input.resize(kInputMax);
    return input;
  }

 private:
  std::size_t below(std::size_t bound) { return bound == 0 ? 0 : random_() % bound; }
  std::uint8_t byte() {
    // Lengths and counts break at their edges more often than anywhere else.
    constexpr std::uint8_t kEdges[] = {0, 1, 2, 7, 8, 0x0f, 0x40, 0x7f, 0x80, 0xfe, 0xff};
    return below(2) == 0 ? kEdges[below(std::size(kEdges))] : static_cast<std::uint8_t>(random_());
  }
  void change(Bytes& input, const std::vector<Bytes>& from) {
    const auto at = static_cast<std::ptrdiff_t>(below(input.size() + 1));
    const bool inside = at < static_cast<std::ptrdiff_t>(input.size());
    switch (below(6)) {
      case 0:
        if (inside) input[static_cast<std::size_t>(at)] = byte();
        break;
      case 1:
        if (inside)
          input[static_cast<std::size_t>(at)] ^= static_cast<std::uint8_t>(1u << below(8));
        break;
      case 2:
        input.insert(input.begin() + at, 1 + below(4), byte());
        break;
      case 3:
        input.erase(input.begin() + at,
                    input.begin() + at +
                        static_cast<std::ptrdiff_t>(
                            std::min(below(9), input.size() - static_cast<std::size_t>(at))));
        break;
      case 4:
        input.resize(static_cast<std::size_t>(at));
        break;
      default: {
        const Bytes& other = from[below(from.size())];
        const std::size_t begin = below(other.size() + 1);
        const std::size_t count = std::min(below(65), other.size() - begin);
        input.insert(input.begin() + at, other.begin() + static_cast<std::ptrdiff_t>(begin),
                     other.begin() + static_cast<std::ptrdiff_t>(begin + count));
      }
    }
  }

  std::mt19937_64 random_;
};

int run_files(int count, char** names) {
  for (int i = 0; i < count; ++i) {
    std::ifstream file(names[i], std::ios::binary);
    if (!file) {
      std::fprintf(stderr, "cannot open %s: give the name of an input that exists\n", names[i]);
      return 2;
    }
    const Bytes input{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    std::printf("running %s, %zu bytes\n", names[i], input.size());
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  return 0;
}

int write_seeds(const std::string& folder) {
  std::size_t number = 0;
  for (const Bytes& input : seeds()) {
    const std::string name = folder + "/seed-" + std::to_string(number++);
    std::ofstream file(name, std::ios::binary);
    file.write(reinterpret_cast<const char*>(input.data()),
               static_cast<std::streamsize>(input.size()));
    if (!file.flush()) {
      std::fprintf(stderr, "cannot write %s: give a folder that exists and has room\n",
                   name.c_str());
      return 2;
    }
  }
  return 0;
}

int run_mutations(std::uint64_t iterations, std::uint64_t seed) {
  std::printf("seed %llu, %llu mutations\n", static_cast<unsigned long long>(seed),
              static_cast<unsigned long long>(iterations));
  std::fflush(stdout);
  const std::vector<Bytes> from = seeds();
  EDGESENTRY_CHECK(!from.empty(), "mutations start from something");
  LLVMFuzzerTestOneInput(nullptr, 0);
  for (const Bytes& input : from) LLVMFuzzerTestOneInput(input.data(), input.size());
  Mutator mutator(seed);
  for (std::uint64_t i = 0; i < iterations; ++i) {
    // Exactly as long as its bytes: a sanitizer sees the first read behind them.
    const Bytes input = mutator.mutate(from);
    const Bytes exact(input.begin(), input.end());
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
  }
  return 0;
}

}  // namespace
}  // namespace edgesentry::fuzz

int main(int argc, char** argv) {
  const auto is_number = [](const char* text) {
    return *text != 0 && std::string(text).find_first_not_of("0123456789") == std::string::npos;
  };
  if (argc == 3 && std::string(argv[1]) == "--seeds") return edgesentry::fuzz::write_seeds(argv[2]);
  if (argc > 1 && !is_number(argv[1])) return edgesentry::fuzz::run_files(argc - 1, argv + 1);
  const std::uint64_t iterations = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100'000;
  const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  return edgesentry::fuzz::run_mutations(iterations, seed);
}
