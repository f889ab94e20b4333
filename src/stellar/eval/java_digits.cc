// SPDX-License-Identifier: Apache-2.0
#include "stellar/eval/java_digits.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace modelyard::stellar {
namespace {

constexpr int kFractionBits = 52;

// A natural number of up to 2048 bits, enough for every fraction of a double.
class Natural {
 public:
  explicit Natural(uint64_t value) {
    while (value != 0) {
      words_[size_++] = static_cast<uint32_t>(value);
      value >>= 32;
    }
  }
  // value * 5^five * 2^two
  static Natural scaled(uint64_t value, int five, int two) {
    Natural result(value);
    for (; five >= 13; five -= 13) result.multiply(1220703125);  // 5^13
    for (; five > 0; --five) result.multiply(5);
    result.shift_left(two);
    return result;
  }

  void multiply(uint32_t factor) {
    uint64_t carry = 0;
    for (int i = 0; i < size_; ++i) {
      carry += uint64_t{words_[i]} * factor;
      words_[i] = static_cast<uint32_t>(carry);
      carry >>= 32;
    }
    if (carry != 0) words_[size_++] = static_cast<uint32_t>(carry);
  }
  void shift_left(int bits) {
    if (size_ == 0) return;
    const int whole = bits / 32;
    const int part = bits % 32;
    words_[size_] = 0;
    for (int i = size_; i >= 0; --i) {
      uint64_t word = uint64_t{words_[i]} << part;
      if (part > 0 && i > 0) word |= words_[i - 1] >> (32 - part);
      words_[i + whole] = static_cast<uint32_t>(word);
    }
    std::fill_n(words_.begin(), whole, 0);
    size_ += whole + 1;
    trim();
  }
  int compare(const Natural& other) const {
    if (size_ != other.size_) return size_ < other.size_ ? -1 : 1;
    for (int i = size_; i-- > 0;) {
      if (words_[i] != other.words_[i]) return words_[i] < other.words_[i] ? -1 : 1;
    }
    return 0;
  }
  void add(const Natural& other) {
    uint64_t carry = 0;
    const int longest = std::max(size_, other.size_);
    for (int i = 0; i < longest; ++i) {
      carry += uint64_t{i < size_ ? words_[i] : 0} + (i < other.size_ ? other.words_[i] : 0);
      words_[i] = static_cast<uint32_t>(carry);
      carry >>= 32;
    }
    size_ = longest;
    if (carry != 0) words_[size_++] = static_cast<uint32_t>(carry);
  }
  void subtract(const Natural& other) {
    int64_t borrow = 0;
    for (int i = 0; i < size_; ++i) {
      borrow += int64_t{words_[i]} - (i < other.size_ ? other.words_[i] : 0);
      words_[i] = static_cast<uint32_t>(borrow);
      borrow >>= 32;
    }
    trim();
  }
  // The quotient (below 10) by `divisor`; this becomes ten times the rest.
  int next_digit(const Natural& divisor) {
    int quotient = 0;
    while (compare(divisor) >= 0) {
      subtract(divisor);
      ++quotient;
    }
    multiply(10);
    return quotient;
  }

 private:
  void trim() {
    while (size_ > 0 && words_[size_ - 1] == 0) --size_;
  }
  std::array<uint32_t, 68> words_{};
  int size_ = 0;
};

// Bits of 5^n.
int bits_of_power_of_five(int n) { return n == 0 ? 0 : n < 27 ? static_cast<int>(n * 2.321928094887362) + 1 : n * 3; }

// The exponents of the fraction b/s that is the number, and of m, half the distance to its neighbours, as powers of 5
// and 2.
struct Scale {
  int b5, b2, s5, s2, m5, m2;
  int decimal;  // the estimated decimal exponent
};

struct Stop {
  bool low = false;        // the rest is small enough to be dropped
  bool high = false;       // ... or to be rounded up
  int64_t difference = 0;  // of the rest to one half, where both hold
};

void round_up(JavaDigits& out) {
  int i = out.count - 1;
  while (i > 0 && out.digits[i] == '9') out.digits[i--] = '0';
  if (out.digits[i] == '9') {
    out.digits[0] = '1';
    ++out.exponent;
    return;
  }
  ++out.digits[i];
}

// A first digit may be none at all; forms with an exponent always show a second.
void first_digit(int quotient, Scale& scale, JavaDigits& out, Stop& stop) {
  if (quotient == 0 && !stop.high) {
    --scale.decimal;
  } else {
    out.digits[out.count++] = static_cast<char>('0' + quotient);
  }
  if (scale.decimal < -3 || scale.decimal >= 8) stop.low = stop.high = false;
}

// In machine integers where all fit. `m` may overflow, which then means that it is large.
template <typename Signed, typename Unsigned>
Stop digits_in_machine_integers(uint64_t fraction, Scale& scale, JavaDigits& out) {
  const auto power = [](int five, int two) {
    Unsigned value = 1;
    for (; five > 0; --five) value *= 5;
    return static_cast<Unsigned>(value << two);
  };
  auto b = static_cast<Unsigned>(static_cast<Unsigned>(fraction) * power(scale.b5, 0)) << scale.b2;
  const Unsigned s = power(scale.s5, scale.s2);
  Unsigned m = power(scale.m5, scale.m2);
  const Unsigned tens = s * 10;
  const auto judge = [&] {
    Stop stop;
    if (static_cast<Signed>(m) > 0) {
      stop.low = b < m;
      stop.high = static_cast<Signed>(b + m) > static_cast<Signed>(tens);
    } else {
      stop.low = stop.high = true;
    }
    return stop;
  };
  auto quotient = static_cast<int>(b / s);
  b = 10 * (b % s);
  m *= 10;
  Stop stop = judge();
  first_digit(quotient, scale, out, stop);
  while (!stop.low && !stop.high) {
    quotient = static_cast<int>(b / s);
    b = 10 * (b % s);
    m *= 10;
    stop = judge();
    out.digits[out.count++] = static_cast<char>('0' + quotient);
  }
  stop.difference = static_cast<int64_t>(static_cast<Signed>((b << 1) - tens));
  return stop;
}

Stop digits_in_naturals(uint64_t fraction, Scale& scale, JavaDigits& out) {
  const Natural s = Natural::scaled(1, scale.s5, scale.s2);
  Natural b = Natural::scaled(fraction, scale.b5, scale.b2);
  Natural m = Natural::scaled(10, scale.m5, scale.m2);
  const Natural tens = Natural::scaled(10, scale.s5, scale.s2);
  const auto judge = [&] {
    Natural sum = b;
    sum.add(m);
    return Stop{b.compare(m) < 0, tens.compare(sum) <= 0, 0};
  };
  int quotient = b.next_digit(s);
  Stop stop = judge();
  first_digit(quotient, scale, out, stop);
  while (!stop.low && !stop.high) {
    quotient = b.next_digit(s);
    m.multiply(10);
    stop = judge();
    out.digits[out.count++] = static_cast<char>('0' + quotient);
  }
  if (stop.low && stop.high) {
    b.shift_left(1);
    stop.difference = b.compare(tens);
  }
  return stop;
}

// A whole number: its own digits, those beyond the type's precision rounded away.
JavaDigits digits_of_whole(uint64_t value, int binary_exponent, int precision) {
  int exponent = 0;
  if (const int beyond = binary_exponent - precision - 1; beyond > 1) {
    const int insignificant = static_cast<int>(beyond * 0.30102999566398120);
    uint64_t power = 1;
    for (int i = 0; i < insignificant; ++i) power *= 10;
    if (insignificant > 0) {
      const uint64_t rest = value % power;
      value /= power;
      exponent += insignificant;
      if (rest >= power >> 1) ++value;
    }
  }
  while (value % 10 == 0) {
    value /= 10;
    ++exponent;
  }
  JavaDigits out{};
  char reversed[24];
  for (; value != 0; value /= 10) reversed[out.count++] = static_cast<char>('0' + value % 10);
  std::reverse_copy(reversed, reversed + out.count, out.digits);
  out.exponent = exponent + out.count;
  return out;
}

// `fraction` has its leading bit at 2^52; the number is fraction x 2^(exponent - 52).
JavaDigits make_digits(int binary_exponent, uint64_t fraction, int precision) {
  const int zeros = std::countr_zero(fraction);
  const int bits = kFractionBits + 1 - zeros;
  const int tiny = std::max(0, bits - binary_exponent - 1);
  if (binary_exponent <= 62 && binary_exponent >= -21 && tiny == 0 && bits < 64) {
    const uint64_t whole = binary_exponent >= kFractionBits ? fraction << (binary_exponent - kFractionBits)
                                                            : fraction >> (kFractionBits - binary_exponent);
    return digits_of_whole(whole, binary_exponent, precision);
  }
  const double mantissa = std::bit_cast<double>(0x3FF0000000000000ULL | (fraction & 0xFFFFFFFFFFFFFULL));
  Scale scale{};
  scale.decimal =
      static_cast<int>(std::floor((mantissa - 1.5) * 0.289529654 + 0.176091259 + binary_exponent * 0.301029995663981));
  scale.b5 = std::max(0, -scale.decimal);
  scale.b2 = scale.b5 + tiny + binary_exponent;
  scale.s5 = std::max(0, scale.decimal);
  scale.s2 = scale.s5 + tiny;
  scale.m5 = scale.b5;
  scale.m2 = scale.b2 - precision;
  fraction >>= zeros;
  scale.b2 -= bits - 1;
  const int common = std::min(scale.b2, scale.s2);
  scale.b2 -= common;
  scale.s2 -= common;
  scale.m2 -= common;
  if (bits == 1) --scale.m2;  // below a power of two the neighbour is half as far
  if (scale.m2 < 0) {
    scale.b2 -= scale.m2;
    scale.s2 -= scale.m2;
    scale.m2 = 0;
  }
  JavaDigits out{};
  const int b_bits = bits + scale.b2 + bits_of_power_of_five(scale.b5);
  const int s_bits = scale.s2 + 1 + bits_of_power_of_five(scale.s5 + 1);
  const Stop stop = b_bits < 32 && s_bits < 32   ? digits_in_machine_integers<int32_t, uint32_t>(fraction, scale, out)
                    : b_bits < 64 && s_bits < 64 ? digits_in_machine_integers<int64_t, uint64_t>(fraction, scale, out)
                                                 : digits_in_naturals(fraction, scale, out);
  out.exponent = scale.decimal + 1;
  if (stop.high) {
    const bool odd = ((out.digits[out.count - 1] - '0') & 1) != 0;
    if (!stop.low || stop.difference > 0 || (stop.difference == 0 && odd)) round_up(out);
  }
  return out;
}

}  // namespace

JavaDigits java_digits(double value) {
  const auto raw = std::bit_cast<uint64_t>(value);
  int exponent = static_cast<int>(raw >> kFractionBits);
  uint64_t fraction = raw & 0xFFFFFFFFFFFFFULL;
  int precision = kFractionBits + 1;
  if (exponent == 0) {
    const int shift = std::countl_zero(fraction) - (63 - kFractionBits);
    fraction <<= shift;
    exponent = 1 - shift;
    precision = std::bit_width(raw);
  } else {
    fraction |= uint64_t{1} << kFractionBits;
  }
  return make_digits(exponent - 1023, fraction, precision);
}

JavaDigits java_digits(float value) {
  const auto raw = std::bit_cast<uint32_t>(value);
  int exponent = static_cast<int>(raw >> 23);
  uint32_t fraction = raw & 0x7FFFFF;
  int precision = 24;
  if (exponent == 0) {
    const int shift = std::countl_zero(fraction) - (31 - 23);
    fraction <<= shift;
    exponent = 1 - shift;
    precision = std::bit_width(raw);
  } else {
    fraction |= 1u << 23;
  }
  return make_digits(exponent - 127, uint64_t{fraction} << (kFractionBits - 23), precision);
}

}  // namespace modelyard::stellar
