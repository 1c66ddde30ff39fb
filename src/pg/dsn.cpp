// SPDX-License-Identifier: Apache-2.0
#include "pg/dsn.hpp"

#include <stdexcept>

namespace tradecore::pg::detail {

namespace {

[[noreturn]] void refuse(const std::string& reason)
{
    throw std::invalid_argument("connection string: " + reason);
}

bool is_blank(char c) noexcept
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

int hex_digit(char c) noexcept
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

std::string decode(std::string_view part, std::string_view text)
{
    std::string plain;
    plain.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            plain += text[i];
            continue;
        }
        const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0) {
            refuse(std::string(part) + ": a % must be followed by two hexadecimal digits");
        }
        plain += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return plain;
}

class uri {
public:
    explicit uri(std::string_view rest) : rest_(rest) {}

    std::vector<dsn_setting> run()
    {
        const auto authority = take_until("/?");
        if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
            credentials(authority.substr(0, at));
            endpoint(authority.substr(at + 1));
        }
        else {
            endpoint(authority);
        }
        if (rest_.starts_with('/')) {
            rest_.remove_prefix(1);
            add("dbname", take_until("?"));
        }
        if (rest_.starts_with('?')) {
            rest_.remove_prefix(1);
            query();
        }
        return std::move(settings_);
    }

private:
    std::string_view take_until(std::string_view stops)
    {
        const auto taken = rest_.substr(0, rest_.find_first_of(stops));
        rest_.remove_prefix(taken.size());
        return taken;
    }

    void add(std::string_view keyword, std::string_view encoded)
    {
        if (!encoded.empty()) {
            settings_.push_back({std::string(keyword), decode(keyword, encoded)});
        }
    }

    void credentials(std::string_view text)
    {
        const auto colon = text.find(':');
        add("user", text.substr(0, colon));
        if (colon != std::string_view::npos) {
            add("password", text.substr(colon + 1));
        }
    }

    void endpoint(std::string_view text)
    {
        if (text.starts_with('[')) {
            const auto end = text.find(']');
            if (end == std::string_view::npos) {
                refuse("host: an IPv6 address must end with ]");
            }
            add("host", text.substr(1, end - 1));
            text.remove_prefix(end + 1);
            if (!text.empty() && !text.starts_with(':')) {
                refuse("host: only a port may follow an IPv6 address");
            }
            add("port", text.empty() ? text : text.substr(1));
            return;
        }
        const auto colon = text.find(':');
        add("host", text.substr(0, colon));
        if (colon != std::string_view::npos) {
            add("port", text.substr(colon + 1));
        }
    }

    void query()
    {
        while (!rest_.empty()) {
            const auto pair = take_until("&");
            if (!rest_.empty()) {
                rest_.remove_prefix(1);
            }
            const auto equals = pair.find('=');
            const auto keyword = decode("keyword", pair.substr(0, equals));
            if (equals == std::string_view::npos || keyword.empty()) {
                // The pair itself stays out of the message: it may be a piece of a password.
                refuse("after ? there must be keyword=value pairs");
            }
            settings_.push_back({keyword, decode(keyword, pair.substr(equals + 1))});
        }
    }

    std::string_view rest_;
    std::vector<dsn_setting> settings_;
};

class keyword_values {
public:
    explicit keyword_values(std::string_view rest) : rest_(rest) {}

    std::vector<dsn_setting> run()
    {
        std::vector<dsn_setting> settings;
        for (skip_blanks(); !rest_.empty(); skip_blanks()) {
            auto keyword = read_keyword();
            skip_blanks();
            if (!rest_.starts_with('=')) {
                refuse("a keyword must be followed by =");
            }
            rest_.remove_prefix(1);
            skip_blanks();
            auto value = rest_.starts_with('\'') ? read_quoted(keyword) : read_plain();
            settings.push_back({std::move(keyword), std::move(value)});
        }
        return settings;
    }

private:
    void skip_blanks()
    {
        while (!rest_.empty() && is_blank(rest_.front())) {
            rest_.remove_prefix(1);
        }
    }

    char take()
    {
        const char c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }

    std::string read_keyword()
    {
        std::string keyword;
        while (!rest_.empty() && rest_.front() != '=' && !is_blank(rest_.front())) {
            keyword += take();
        }
        return keyword;
    }

    std::string read_plain()
    {
        std::string value;
        while (!rest_.empty() && !is_blank(rest_.front())) {
            if (rest_.front() == '\\') {
                rest_.remove_prefix(1);
                if (rest_.empty()) {
                    break;
                }
            }
            value += take();
        }
        return value;
    }

    std::string read_quoted(const std::string& keyword)
    {
        std::string value;
        rest_.remove_prefix(1);
        while (!rest_.empty() && rest_.front() != '\'') {
            if (rest_.front() == '\\') {
                rest_.remove_prefix(1);
                if (rest_.empty()) {
                    break;
                }
            }
            value += take();
        }
        if (rest_.empty()) {
            refuse(keyword + ": the closing quote is missing");
        }
        rest_.remove_prefix(1);
        return value;
    }

    std::string_view rest_;
};

} // namespace

std::vector<dsn_setting> split_dsn(std::string_view dsn)
{
    for (const std::string_view scheme : {"postgresql://", "postgres://"}) {
        if (dsn.starts_with(scheme)) {
            return uri(dsn.substr(scheme.size())).run();
        }
    }
    if (dsn.find("://") != std::string_view::npos && dsn.find("://") < dsn.find('=')) {
        refuse("the scheme of a URI must be postgresql or postgres");
    }
    return keyword_values(dsn).run();
}

} // namespace tradecore::pg::detail
