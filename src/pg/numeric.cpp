// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/error.hpp>
#include <tradecore/pg/numeric.hpp>

#include <algorithm>
#include <array>
#include <limits>

namespace tradecore::pg {

namespace {

constexpr int base = 10'000;
constexpr int base_digits = 4;
// NUMERIC_DSCALE_MASK and the reach of a 16-bit weight in the server's numeric.c.
constexpr int max_scale = 0x3FFF;
constexpr int max_weight = std::numeric_limits<std::int16_t>::max();

bool is_blank(char c) noexcept
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) noexcept
{
    return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
    });
}

constexpr std::array<int, base_digits> powers = {1'000, 100, 10, 1};

// Rounds towards minus infinity.
constexpr int floor_div(int value, int by) noexcept
{
    return value >= 0 ? value / by : -((-value + by - 1) / by);
}

} // namespace

// Takes a decimal text apart.
class numeric::reader {
public:
    explicit reader(std::string_view text) : rest_(text) {}

    std::optional<numeric> run()
    {
        trim();
        if (equals_ignoring_case(rest_, "nan")) {
            return numeric::nan();
        }
        const bool minus = rest_.starts_with('-');
        if (minus || rest_.starts_with('+')) {
            rest_.remove_prefix(1);
        }
        if (equals_ignoring_case(rest_, "infinity") || equals_ignoring_case(rest_, "inf")) {
            return numeric::infinity(minus);
        }
        const auto whole = digits();
        std::string_view fraction;
        if (rest_.starts_with('.')) {
            rest_.remove_prefix(1);
            fraction = digits();
        }
        if (whole.empty() && fraction.empty()) {
            return std::nullopt;
        }
        int exponent = 0;
        if (!read_exponent(exponent) || !rest_.empty()) {
            return std::nullopt;
        }
        return build(whole, fraction, exponent, minus);
    }

private:
    void trim()
    {
        while (!rest_.empty() && is_blank(rest_.front())) {
            rest_.remove_prefix(1);
        }
        while (!rest_.empty() && is_blank(rest_.back())) {
            rest_.remove_suffix(1);
        }
    }

    std::string_view digits()
    {
        std::size_t count = 0;
        while (count < rest_.size() && rest_[count] >= '0' && rest_[count] <= '9') {
            ++count;
        }
        const auto found = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return found;
    }

    // An exponent that no value in range can have is cut, so that the sums below cannot overflow.
    bool read_exponent(int& exponent)
    {
        if (!rest_.starts_with('e') && !rest_.starts_with('E')) {
            return true;
        }
        rest_.remove_prefix(1);
        const bool minus = rest_.starts_with('-');
        if (minus || rest_.starts_with('+')) {
            rest_.remove_prefix(1);
        }
        const auto text = digits();
        for (const char c : text) {
            exponent = std::min(exponent * 10 + (c - '0'), 10'000'000);
        }
        exponent = minus ? -exponent : exponent;
        return !text.empty();
    }

    static std::optional<numeric> build(std::string_view whole, std::string_view fraction, int exponent, bool minus)
    {
        constexpr std::size_t too_long = 100'000'000;
        if (whole.size() > too_long || fraction.size() > too_long) {
            return std::nullopt;
        }
        numeric value;
        value.scale_ = std::max(0, static_cast<int>(fraction.size()) - exponent);
        if (value.scale_ > max_scale) {
            return std::nullopt;
        }
        // Decimal position p is worth 10^p; the first digit stands at `first`.
        const int first = static_cast<int>(whole.size()) - 1 + exponent;
        const auto digit = [&](std::size_t i) {
            return (i < whole.size() ? whole[i] : fraction[i - whole.size()]) - '0';
        };
        const std::size_t count = whole.size() + fraction.size();
        std::size_t leading = 0;
        while (leading < count && digit(leading) == 0) {
            ++leading;
        }
        if (leading == count) {
            return value;
        }
        const int top = first - static_cast<int>(leading);
        value.weight_ = floor_div(top, base_digits);
        if (value.weight_ > max_weight) {
            return std::nullopt;
        }
        const int last = first - static_cast<int>(count) + 1;
        const int bottom_weight = floor_div(last, base_digits);
        value.digits_.resize(static_cast<std::size_t>(value.weight_ - bottom_weight) + 1);
        for (std::size_t i = leading; i < count; ++i) {
            const int position = first - static_cast<int>(i);
            const int weight = floor_div(position, base_digits);
            const int within = base_digits - 1 - (position - weight * base_digits);
            auto& group = value.digits_[static_cast<std::size_t>(value.weight_ - weight)];
            group = static_cast<std::int16_t>(group + digit(i) * powers[static_cast<std::size_t>(within)]);
        }
        value.sign_ = minus ? negative : positive;
        value.normalize();
        return value;
    }

    std::string_view rest_;
};

numeric::numeric(std::int64_t value) : numeric(from_scaled(value, 0)) {}

numeric numeric::from_string(std::string_view text)
{
    auto value = parse(text);
    if (!value) {
        constexpr std::size_t shown = 60;
        throw type_error(
            "\"" + std::string(text.substr(0, shown)) + (text.size() > shown ? "…" : "") +
            "\" is no numeric, or beyond its limits");
    }
    return *std::move(value);
}

std::optional<numeric> numeric::parse(std::string_view text)
{
    return reader(text).run();
}

numeric numeric::from_scaled(std::int64_t units, int scale)
{
    if (scale < 0 || scale > max_scale) {
        throw type_error("a numeric's scale is 0 to 16383, not " + std::to_string(scale));
    }
    numeric value;
    value.scale_ = scale;
    value.sign_ = units < 0 ? negative : positive;
    // The magnitude of the lowest value has no signed counterpart.
    auto rest = units < 0 ? 0 - static_cast<std::uint64_t>(units) : static_cast<std::uint64_t>(units);
    // Groups are aligned at the point: the lowest one takes fewer of the units' digits.
    const int in_lowest = scale % base_digits == 0 ? base_digits : scale % base_digits;
    const int lowest_weight = -((scale + base_digits - 1) / base_digits);
    std::array<std::int16_t, 6> groups{};
    std::size_t used = 0;
    if (in_lowest != base_digits) {
        int divisor = 1;
        for (int i = 0; i < in_lowest; ++i) {
            divisor *= 10;
        }
        groups[used++] =
            static_cast<std::int16_t>(static_cast<int>(rest % static_cast<unsigned>(divisor)) * (base / divisor));
        rest /= static_cast<unsigned>(divisor);
    }
    while (rest != 0) {
        groups[used++] = static_cast<std::int16_t>(rest % base);
        rest /= base;
    }
    value.weight_ = lowest_weight + static_cast<int>(used) - 1;
    value.digits_.assign(groups.rend() - static_cast<std::ptrdiff_t>(used), groups.rend());
    value.normalize();
    return value;
}

numeric numeric::nan()
{
    numeric value;
    value.sign_ = not_a_number;
    return value;
}

numeric numeric::infinity(bool minus)
{
    numeric value;
    value.sign_ = minus ? minus_infinity : plus_infinity;
    return value;
}

std::string numeric::to_string() const
{
    switch (sign_) {
    case not_a_number:
        return "NaN";
    case plus_infinity:
        return "Infinity";
    case minus_infinity:
        return "-Infinity";
    default:
        break;
    }
    std::string text;
    if (sign_ == negative) {
        text += '-';
    }
    const auto group = [&](int weight) {
        const int digit = digit_at(weight);
        std::array<char, base_digits> out{};
        for (std::size_t i = 0; i < out.size(); ++i) {
            out[i] = static_cast<char>('0' + digit / powers[i] % 10);
        }
        return out;
    };
    if (weight_ < 0 || digits_.empty()) {
        text += '0';
    }
    else {
        text += std::to_string(digit_at(weight_));
        for (int weight = weight_ - 1; weight >= 0; --weight) {
            const auto digits = group(weight);
            text.append(digits.data(), digits.size());
        }
    }
    if (scale_ > 0) {
        text += '.';
        int left = scale_;
        for (int weight = -1; left > 0; --weight, left -= base_digits) {
            const auto digits = group(weight);
            text.append(digits.data(), static_cast<std::size_t>(std::min(left, base_digits)));
        }
    }
    return text;
}

std::optional<std::int64_t> numeric::to_scaled(int scale) const noexcept
{
    if (!is_finite() || scale < 0 || scale > max_scale) {
        return std::nullopt;
    }
    // Built from the negative side, which reaches one further.
    std::int64_t value = 0;
    if (digits_.empty()) {
        return value;
    }
    const int bottom = weight_ - static_cast<int>(digits_.size()) + 1;
    const int lowest = std::min(bottom, -((scale + base_digits - 1) / base_digits));
    for (int weight = weight_; weight >= lowest; --weight) {
        const int digit = digit_at(weight);
        for (int i = 0; i < base_digits; ++i) {
            const int position = weight * base_digits + (base_digits - 1 - i);
            const int decimal = digit / powers[static_cast<std::size_t>(i)] % 10;
            if (position < -scale) {
                if (decimal != 0) {
                    return std::nullopt;
                }
            }
            else if (__builtin_mul_overflow(value, 10, &value) || __builtin_sub_overflow(value, decimal, &value)) {
                return std::nullopt;
            }
        }
    }
    if (sign_ == positive && __builtin_sub_overflow(std::int64_t{0}, value, &value)) {
        return std::nullopt;
    }
    return value;
}

std::optional<numeric> numeric::from_wire(std::string_view bytes)
{
    constexpr std::size_t header = 8;
    if (bytes.size() < header) {
        return std::nullopt;
    }
    const auto count = detail::load<std::uint16_t>(bytes);
    const auto sign = detail::load<std::uint16_t>(bytes, 4);
    const auto scale = detail::load<std::uint16_t>(bytes, 6);
    if (bytes.size() != header + std::size_t{count} * 2 || scale > max_scale) {
        return std::nullopt;
    }
    numeric value;
    switch (sign) {
    case not_a_number:
    case plus_infinity:
    case minus_infinity:
        value.sign_ = static_cast<sign_code>(sign);
        return value;
    case positive:
    case negative:
        break;
    default:
        return std::nullopt;
    }
    value.sign_ = static_cast<sign_code>(sign);
    value.scale_ = scale;
    value.weight_ = detail::load<std::int16_t>(bytes, 2);
    value.digits_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto digit = detail::load<std::int16_t>(bytes, header + i * 2);
        if (digit < 0 || digit >= base) {
            return std::nullopt;
        }
        value.digits_.push_back(digit);
    }
    value.normalize();
    // Digits that the scale hides are none the server sends, and to_string would lose them.
    if (!value.digits_.empty()) {
        const int bottom = value.weight_ - static_cast<int>(value.digits_.size()) + 1;
        const int hidden = -bottom * base_digits - scale;
        if (hidden >= base_digits ||
            (hidden > 0 && value.digits_.back() % (base / powers[static_cast<std::size_t>(hidden - 1)]) != 0)) {
            return std::nullopt;
        }
    }
    return value;
}

std::string numeric::to_wire() const
{
    std::string bytes;
    detail::append(bytes, static_cast<std::int16_t>(digits_.size()));
    detail::append(bytes, static_cast<std::int16_t>(weight_));
    detail::append(bytes, static_cast<std::uint16_t>(sign_));
    detail::append(bytes, static_cast<std::int16_t>(scale_));
    for (const auto digit : digits_) {
        detail::append(bytes, digit);
    }
    return bytes;
}

std::weak_ordering operator<=>(const numeric& left, const numeric& right) noexcept
{
    // -Infinity, the finite, Infinity, NaN
    const auto rank = [](const numeric& value) {
        return value.is_nan() ? 3 : value.is_infinite() ? (value.is_negative() ? 0 : 2) : 1;
    };
    if (!left.is_finite() || !right.is_finite()) {
        return rank(left) <=> rank(right);
    }
    if (left.sign_ != right.sign_) {
        return left.sign_ == numeric::negative ? std::weak_ordering::less : std::weak_ordering::greater;
    }
    return left.sign_ == numeric::negative ? numeric::compare_magnitude(right, left)
                                           : numeric::compare_magnitude(left, right);
}

std::weak_ordering numeric::compare_magnitude(const numeric& left, const numeric& right) noexcept
{
    if (left.digits_.empty() || right.digits_.empty()) {
        return left.digits_.size() <=> right.digits_.size();
    }
    if (left.weight_ != right.weight_) {
        return left.weight_ <=> right.weight_;
    }
    // No zeros at the ends: the longer one of two with a common beginning is the greater.
    return std::lexicographical_compare_three_way(
        left.digits_.begin(), left.digits_.end(), right.digits_.begin(), right.digits_.end());
}

void numeric::normalize() noexcept
{
    const auto first = std::find_if(digits_.begin(), digits_.end(), [](std::int16_t d) { return d != 0; });
    weight_ -= static_cast<int>(first - digits_.begin());
    digits_.erase(digits_.begin(), first);
    while (!digits_.empty() && digits_.back() == 0) {
        digits_.pop_back();
    }
    if (digits_.empty()) {
        weight_ = 0;
        sign_ = positive;
    }
}

std::int16_t numeric::digit_at(int weight) const noexcept
{
    const int index = weight_ - weight;
    return index >= 0 && index < static_cast<int>(digits_.size()) ? digits_[static_cast<std::size_t>(index)]
                                                                  : std::int16_t{0};
}

} // namespace tradecore::pg
