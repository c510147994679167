// eBPF instructions by name, with labels: as much of the instruction set as a program of ours needs
// (RFC 9669). Jumps lead forward only, so that what is assembled always ends.
//
// Pure values, any thread. A label that is never placed, or placed twice, is a broken invariant.
#pragma once

#include <linux/bpf.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace edgesentry::xdp {

// r0: results; r1 to r5: arguments, lost by a call; r6 to r9: kept; r10: end of the stack.
enum class Reg : std::uint8_t { r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10 };

enum class Width : std::uint8_t { u8 = BPF_B, u16 = BPF_H, u32 = BPF_W, u64 = BPF_DW };

class Label {
  friend class Assembler;
  explicit Label(std::size_t number) : number_(number) {}
  std::size_t number_;
};

class Assembler {
 public:
  [[nodiscard]] Label label();
  void place(Label label);

  void move(Reg to, Reg from);
  void move(Reg to, std::int32_t value);
  void move_wide(Reg to, std::uint64_t value);
  void move_map(Reg to, int map_descriptor);
  void add(Reg to, std::int32_t value);
  void and_with(Reg to, Reg mask);
  void load(Width width, Reg to, Reg base, std::int16_t offset);
  void store(Width width, Reg base, std::int16_t offset, Reg from);
  void store(Width width, Reg base, std::int16_t offset, std::int32_t value);

  void jump(Label to);
  void jump_if_equal(Reg left, std::int32_t right, Label to);
  void jump_if_not_equal(Reg left, std::int32_t right, Label to);
  void jump_if_above(Reg left, Reg right, Label to);  // unsigned
  void jump_if_not_below(Reg left, Reg right, Label to);
  void call(std::int32_t function);  // BPF_FUNC_...
  void exit();

  // The program, every jump resolved.
  [[nodiscard]] std::vector<bpf_insn> finish() const;

 private:
  static constexpr std::size_t kNowhere = ~std::size_t{0};
  struct Jump {
    std::size_t at;
    std::size_t label;
  };
  void emit(unsigned code, Reg to, Reg from, std::int16_t offset, std::int32_t value);
  void emit_wide(Reg to, std::uint8_t source, std::uint64_t value);
  void emit_jump(unsigned code, Reg left, Reg right, std::int32_t value, Label to);

  std::vector<bpf_insn> program_;
  std::vector<std::size_t> places_;  // of each label
  std::vector<Jump> jumps_;
};

}  // namespace edgesentry::xdp
