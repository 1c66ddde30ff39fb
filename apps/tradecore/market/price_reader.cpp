// SPDX-License-Identifier: Apache-2.0
#include "market/price_reader.hpp"

#include "market/csv.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <map>
#include <memory>
#include <system_error>

namespace tradecore::app::market {

namespace {

enum column : std::size_t { timestamp, symbol, bid, ask, close, price, column_count };
constexpr std::array<std::string_view, column_count> column_names{"timestamp", "symbol", "bid",
                                                                  "ask",       "close",  "price"};
constexpr std::size_t absent = static_cast<std::size_t>(-1);

std::string lower(std::string_view text)
{
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos)
        return {};
    std::string out{text.substr(begin, text.find_last_not_of(" \t") - begin + 1)};
    for (char& c : out)
        if (c >= 'A' && c <= 'Z')
            c = static_cast<char>(c - 'A' + 'a');
    return out;
}

std::string shown(std::string_view text)
{
    constexpr std::size_t most = 48;
    std::string out = "\"";
    for (const char c : text.substr(0, most))
        out += c >= ' ' && c <= '~' ? std::string{c} : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    return out + (text.size() > most ? "…\"" : "\"");
}

std::string symbol_from(const std::filesystem::path& file)
{
    std::string name = file.stem().string().substr(0, 32);
    for (char& c : name) {
        if (c >= 'a' && c <= 'z')
            c = static_cast<char>(c - 'a' + 'A');
        else if (c == '/' || !is_symbol({&c, 1}))
            c = '-';
    }
    return name.empty() ? "PRICES" : name;
}

// Reads one text from its header to its last line; every refusal passes through refuse().
class parser {
public:
    parser(std::string_view text, const std::filesystem::path& file, const std::optional<std::string>& wanted)
        : records_(text), file_(file), wanted_(wanted)
    {}

    price_series run()
    {
        if (wanted_ && !is_symbol(*wanted_))
            refuse_file(fmt::format("{} is not a symbol: 1 to 32 letters, digits or . _ : / -", shown(*wanted_)));
        try {
            if (!records_.next())
                refuse_file("the file is empty");
            read_header();
            while (records_.next())
                read_line();
        }
        catch (const csv_error& error) {
            throw price_error(fmt::format("{}:{}: {}", file_.string(), error.line(), error.what()));
        }
        return chosen();
    }

private:
    [[noreturn]] void refuse(std::string_view reason) const
    {
        throw price_error(fmt::format("{}:{}: {}", file_.string(), records_.line(), reason));
    }

    [[noreturn]] void refuse_file(std::string_view reason) const
    {
        throw price_error(fmt::format("{}: {}", file_.string(), reason));
    }

    bool has(column which) const { return at_[which] != absent; }
    std::string_view field(column which) const { return records_.fields()[at_[which]]; }

    void read_header()
    {
        at_.fill(absent);
        header_size_ = records_.fields().size();
        for (std::size_t i = 0; i < header_size_; ++i) {
            const std::string name = lower(records_.fields()[i]);
            for (std::size_t which = 0; which < column_count; ++which) {
                if (name != column_names[which])
                    continue;
                if (at_[which] != absent)
                    refuse(fmt::format("the header has the column {} twice", name));
                at_[which] = i;
            }
        }
        if (!has(timestamp))
            refuse("the header has no column timestamp");
        if (has(bid) != has(ask))
            refuse(fmt::format("the header has {0} without {1}", has(bid) ? "bid" : "ask", has(bid) ? "ask" : "bid"));
        if (has(close) && has(price))
            refuse("the header has both close and price");
        if (!has(bid) && !has(close) && !has(price))
            refuse("the header has none of close, price, and bid with ask");
    }

    domain::price read_price(column which) const
    {
        domain::price value;
        try {
            value = domain::price::parse(field(which));
        }
        catch (const domain::amount_error& error) {
            refuse(fmt::format("{}: {}", column_names[which], error.what()));
        }
        if (!value.is_positive())
            refuse(fmt::format("{} is {}, it must be positive", column_names[which], value.text()));
        return value;
    }

    domain::timestamp read_time() const
    {
        try {
            return domain::parse_timestamp(field(timestamp));
        }
        catch (const domain::timestamp_syntax& error) {
            refuse(fmt::format("timestamp {} is not a time: {}", shown(field(timestamp)), error.what()));
        }
    }

    std::vector<tick>& ticks_of_line()
    {
        if (!has(symbol))
            return ticks_[{}];
        const std::string_view name = field(symbol);
        if (last_ != nullptr && last_->first == name)
            return last_->second;
        if (!is_symbol(name))
            refuse(fmt::format("{} is not a symbol: 1 to 32 letters, digits or . _ : / -", shown(name)));
        last_ = &*ticks_.try_emplace(std::string{name}).first;
        return last_->second;
    }

    void read_line()
    {
        if (records_.fields().size() != header_size_)
            refuse(fmt::format("{} columns, the header has {}", records_.fields().size(), header_size_));
        tick now;
        now.time = read_time();
        if (has(bid)) {
            now.bid = read_price(bid);
            now.ask = read_price(ask);
            if (now.bid > now.ask)
                refuse(fmt::format("the bid {} is above the ask {}", now.bid.text(), now.ask.text()));
            now.mark = has(close) ? read_price(close) : has(price) ? read_price(price) : now.bid;
        }
        else {
            now.bid = now.ask = now.mark = read_price(has(close) ? close : price);
        }
        auto& ticks = ticks_of_line();
        if (!ticks.empty() && now.time <= ticks.back().time)
            refuse(fmt::format(
                "the time {} is not after {} of the line before", domain::to_text(now.time),
                domain::to_text(ticks.back().time)));
        ticks.push_back(now);
    }

    std::string names() const
    {
        constexpr std::size_t most = 8;
        std::string out;
        std::size_t count = 0;
        for (const auto& [name, ticks] : ticks_) {
            if (count++ == most)
                return out + ", …";
            out += (out.empty() ? "" : ", ") + name;
        }
        return out;
    }

    price_series chosen()
    {
        if (ticks_.empty())
            refuse_file("no line follows the header");
        auto found = ticks_.begin();
        if (has(symbol)) {
            if (wanted_) {
                found = ticks_.find(*wanted_);
                if (found == ticks_.end())
                    refuse_file(fmt::format("no line of symbol {}; there is {}", *wanted_, names()));
            }
            else if (ticks_.size() > 1) {
                refuse_file(fmt::format("several symbols ({}): choose one with --symbol", names()));
            }
        }
        price_series out;
        out.symbol = has(symbol) ? found->first : wanted_ ? *wanted_ : symbol_from(file_);
        out.ticks = std::move(found->second);
        out.digest = digest_of(out.symbol, out.ticks);
        return out;
    }

    csv_reader records_;
    const std::filesystem::path& file_;
    const std::optional<std::string>& wanted_;
    std::array<std::size_t, column_count> at_{};
    std::size_t header_size_ = 0;
    std::map<std::string, std::vector<tick>, std::less<>> ticks_;
    std::pair<const std::string, std::vector<tick>>* last_ = nullptr;
};

std::string content_of(const std::filesystem::path& file)
{
    const auto fail = [&](int code) {
        throw price_error(fmt::format("{}: {}", file.string(), std::generic_category().message(code)));
    };
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> in(std::fopen(file.c_str(), "rb"), &std::fclose);
    if (!in)
        fail(errno);
    std::string out;
    std::array<char, 65536> block{};
    for (;;) {
        const std::size_t got = std::fread(block.data(), 1, block.size(), in.get());
        if (std::ferror(in.get()) != 0)
            fail(errno);
        if (got == 0)
            return out;
        out.append(block.data(), got);
    }
}

} // namespace

price_series
parse_prices(std::string_view text, const std::filesystem::path& file, const std::optional<std::string>& symbol)
{
    return parser(text, file, symbol).run();
}

price_series read_prices(const std::filesystem::path& file, const std::optional<std::string>& symbol)
{
    return parse_prices(content_of(file), file, symbol);
}

} // namespace tradecore::app::market
