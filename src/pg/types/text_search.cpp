// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/types/text_search.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

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

// Prints a query from its binary form: operators before their operands, the right one first. That is the text from
// its end to its beginning, so it is written backwards, and turned round when it is complete. The steps still to be
// done are kept in a list: a query of many words is as deep as it is long.
class query_printer {
public:
    explicit query_printer(std::string_view bytes) noexcept : from_(bytes) {}

    std::optional<std::string> run()
    {
        auto left = from_.take<std::uint32_t>();
        if (left > 0) {
            todo_.push_back({});
        }
        while (!todo_.empty() && !from_.failed()) {
            const auto next = todo_.back();
            todo_.pop_back();
            if (next.what != step::node) {
                print(next);
            }
            else if (left-- > 0) {
                node(next);
            }
            else {
                return std::nullopt;
            }
        }
        if (!from_.done() || left != 0) {
            return std::nullopt;
        }
        std::ranges::reverse(backwards_);
        return std::move(backwards_);
    }

private:
    struct step {
        enum kind : std::uint8_t { node, sign, opening } what = node;
        operation of = operation::none; // of a node, the operator above it
        bool right_of_phrase = false;
        std::int16_t distance = 0;
    };

    void node(const step& at)
    {
        constexpr std::int8_t word_item = 1;
        constexpr std::int8_t operator_item = 2;
        switch (from_.take<std::int8_t>()) {
        case word_item:
            return word();
        case operator_item:
            return expression(at);
        default:
            from_.fail();
        }
    }

    // 'cat':*AB
    void word()
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
        prepend(text);
    }

    void expression(const step& at)
    {
        const auto of = static_cast<operation>(from_.take<std::int8_t>());
        if (strength(of) == 0) {
            return from_.fail();
        }
        const bool is_phrase = of == operation::phrase;
        const auto distance = is_phrase ? from_.take<std::int16_t>() : std::int16_t{0};
        if (strength(of) < strength(at.of) || (is_phrase && at.right_of_phrase)) {
            prepend(" )");
            todo_.push_back({.what = step::opening});
        }
        // The last one is done first.
        if (of == operation::negate) {
            todo_.push_back({.what = step::sign, .of = of});
        }
        else {
            todo_.push_back({.of = of});
            todo_.push_back({.what = step::sign, .of = of, .distance = distance});
        }
        todo_.push_back({.of = of, .right_of_phrase = is_phrase});
    }

    void print(const step& at)
    {
        if (at.what == step::opening) {
            return prepend("( ");
        }
        switch (at.of) {
        case operation::negate:
            return prepend("!");
        case operation::both:
            return prepend(" & ");
        case operation::either:
            return prepend(" | ");
        default:
            return prepend(at.distance == 1 ? " <-> " : " <" + std::to_string(at.distance) + "> ");
        }
    }

    void prepend(std::string_view text) { backwards_.append(text.rbegin(), text.rend()); }

    byte_reader from_;
    std::vector<step> todo_;
    std::string backwards_;
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
