// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/types/text_search.hpp>

#include <cstdint>
#include <utility>

namespace tradecore::pg {

namespace {

// Takes parts from the left of a binary form; `failed` after the first that is not there.
class byte_reader {
public:
    explicit byte_reader(std::string_view bytes) noexcept : rest_(bytes) {}

    [[nodiscard]] bool failed() const noexcept { return failed_; }
    [[nodiscard]] bool done() const noexcept { return rest_.empty() && !failed_; }

    template <class T>
    T take() noexcept
    {
        if (rest_.size() < sizeof(T)) {
            failed_ = true;
            return T{};
        }
        const auto value = detail::load<T>(rest_);
        rest_.remove_prefix(sizeof(T));
        return value;
    }
    std::string_view take_string() noexcept
    {
        const auto end = rest_.find('\0');
        if (end == std::string_view::npos) {
            failed_ = true;
            return {};
        }
        const auto text = rest_.substr(0, end);
        rest_.remove_prefix(end + 1);
        return text;
    }
    void fail() noexcept { failed_ = true; }

private:
    std::string_view rest_;
    bool failed_ = false;
};

void append_word(std::string& out, std::string_view word)
{
    out += '\'';
    for (const char c : word) {
        if (c == '\'' || c == '\\') {
            out += c;
        }
        out += c;
    }
    out += '\'';
}

// The operators' numbers in the binary form. (tsearch/ts_type.h of the server)
enum class operation : std::int8_t { none = 0, negate = 1, both = 2, either = 3, phrase = 4 };

// Which operator binds more than which when the server prints a query.
int strength(operation of) noexcept
{
    switch (of) {
    case operation::either:
        return 1;
    case operation::both:
        return 2;
    case operation::phrase:
        return 3;
    case operation::negate:
        return 4;
    default:
        return 0;
    }
}

// Prints a query from its binary form: operators before their operands, the right one first.
class query_printer {
public:
    explicit query_printer(std::string_view bytes) noexcept : from_(bytes) {}

    std::optional<std::string> run()
    {
        left_ = from_.take<std::uint32_t>();
        std::string text;
        if (left_ > 0) {
            text = node(operation::none, false, 0);
        }
        return from_.done() && left_ == 0 ? std::optional(std::move(text)) : std::nullopt;
    }

private:
    std::string node(operation above, bool right_of_phrase, int depth)
    {
        constexpr int deepest = 1000;
        constexpr std::int8_t word_item = 1;
        constexpr std::int8_t operator_item = 2;
        if (left_ == 0 || depth > deepest || from_.failed()) {
            from_.fail();
            return {};
        }
        --left_;
        switch (from_.take<std::int8_t>()) {
        case word_item:
            return word();
        case operator_item:
            return expression(above, right_of_phrase, depth);
        default:
            from_.fail();
            return {};
        }
    }

    // 'cat':*AB
    std::string word()
    {
        constexpr std::string_view weights = "ABCD";
        const auto weight = from_.take<std::uint8_t>();
        const auto prefix = from_.take<std::uint8_t>();
        std::string text;
        append_word(text, from_.take_string());
        if (weight != 0 || prefix != 0) {
            text += prefix != 0 ? ":*" : ":";
            for (std::size_t i = 0; i < weights.size(); ++i) {
                if ((weight & (8U >> i)) != 0) {
                    text += weights[i];
                }
            }
        }
        return text;
    }

    std::string expression(operation above, bool right_of_phrase, int depth)
    {
        const auto what = static_cast<operation>(from_.take<std::int8_t>());
        bool in_brackets = strength(what) < strength(above);
        std::string text;
        switch (what) {
        case operation::negate:
            text = "!" + node(what, false, depth + 1);
            break;
        case operation::both:
        case operation::either:
        case operation::phrase: {
            in_brackets = in_brackets || (what == operation::phrase && right_of_phrase);
            const auto between = infix(what);
            const auto right = node(what, what == operation::phrase, depth + 1);
            text = node(what, false, depth + 1) + between + right;
            break;
        }
        default:
            from_.fail();
            break;
        }
        return in_brackets ? "( " + text + " )" : text;
    }

    std::string infix(operation what)
    {
        if (what != operation::phrase) {
            return what == operation::both ? " & " : " | ";
        }
        const auto distance = from_.take<std::int16_t>();
        return distance == 1 ? " <-> " : " <" + std::to_string(distance) + "> ";
    }

    byte_reader from_;
    std::uint32_t left_ = 0;
};

std::string text_of(const field& from, std::optional<std::string> (*read)(std::string_view), std::string_view cpp_type)
{
    if (from.format() == wire_format::text) {
        return std::string(from.bytes());
    }
    auto text = read(from.bytes());
    if (!text) {
        from.refuse(cpp_type, "malformed");
    }
    return *std::move(text);
}

} // namespace

// The number of words; each word, the number of its positions, those: two bits of weight and fourteen of
// the number. (tsvectorsend in the server's tsvector.c)
std::optional<std::string> detail::tsvector_text(std::string_view bytes)
{
    byte_reader from(bytes);
    std::string text;
    for (auto words = from.take<std::uint32_t>(); words > 0 && !from.failed(); --words) {
        text += text.empty() ? "" : " ";
        append_word(text, from.take_string());
        char before = ':';
        for (auto positions = from.take<std::uint16_t>(); positions > 0 && !from.failed(); --positions) {
            constexpr std::string_view weights = "DCBA";
            const auto position = from.take<std::uint16_t>();
            text += std::exchange(before, ',');
            text += std::to_string(position & 0x3FFF);
            if (const auto weight = position >> 14; weight != 0) {
                text += weights[static_cast<std::size_t>(weight)];
            }
        }
    }
    return from.done() ? std::optional(std::move(text)) : std::nullopt;
}

std::optional<std::string> detail::tsquery_text(std::string_view bytes)
{
    return query_printer(bytes).run();
}

tsvector field_traits<tsvector>::decode(const field& from)
{
    return {text_of(from, detail::tsvector_text, "tradecore::pg::tsvector")};
}

tsquery field_traits<tsquery>::decode(const field& from)
{
    return {text_of(from, detail::tsquery_text, "tradecore::pg::tsquery")};
}

} // namespace tradecore::pg
