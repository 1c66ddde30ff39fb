// SPDX-License-Identifier: Apache-2.0
#include "pg/conninfo/dsn_generator.hpp"

#include <cctype>

namespace tradecore::pg::test {

std::string dsn_generator::text(std::size_t most)
{
    static constexpr std::string_view difficult = "'\\ \t\n\v=,/:@?&%#[]!$+-.*\x01\x7f\xc3\xa9\xff";
    std::string made;
    for (auto left = below(most + 1); left > 0; --left)
        made += chance(60) ? "abcxyz0159_"[below(11)] : difficult[below(difficult.size())];
    return made;
}

std::string dsn_generator::blanks()
{
    static constexpr std::string_view kinds[]{"", "", "", "", " ", "  ", "\t", "\n ", "\r\f\v"};
    return std::string(one_of(kinds));
}

std::string dsn_generator::keyword()
{
    static constexpr std::string_view odd[]{"requiressl", "colour", "HOST", "ssl", "", "host\xff", "tty"};
    return chance(3) ? std::string(one_of(odd)) : one_of(keywords_);
}

std::string dsn_generator::as_value(const std::string& plain)
{
    const bool quoted = plain.empty() ? chance(70) : chance(40);
    std::string written = quoted ? "'" : "";
    for (const char c : plain) {
        const bool blank = std::isspace(static_cast<unsigned char>(c)) != 0;
        const bool needed = c == '\\' || (quoted ? c == '\'' : blank || (c == '\'' && written.empty()));
        if (needed ? !chance(2) : chance(10))
            written += '\\';
        written += c;
    }
    return written + (quoted ? "'" : "");
}

std::string dsn_generator::keyword_values()
{
    std::string made = blanks();
    for (auto left = below(6); left > 0; --left) {
        made += keyword() + blanks() + "=" + blanks() + as_value(text());
        made += chance(3) ? "" : " ";
        made += blanks();
    }
    return made;
}

std::string dsn_generator::percent_encoded(const std::string& plain)
{
    static constexpr std::string_view reserved = ":/?#[]@&=%, '\\";
    const auto digits = chance(50) ? "0123456789ABCDEF" : "0123456789abcdef";
    std::string written;
    for (const char c : plain) {
        const auto byte = static_cast<unsigned char>(c);
        if (reserved.find(c) != std::string_view::npos ? !chance(2) : chance(10)) {
            written += '%';
            written += digits[byte >> 4U];
            written += digits[byte & 15U];
        }
        else {
            written += c;
        }
    }
    return written;
}

std::string dsn_generator::uri_host()
{
    static constexpr std::string_view hosts[]{"db",     "db.example", "127.0.0.1", "[::1]", "[2001:db8::a%25eth0]",
                                              "%2Ftmp", "",           "@abstract", "[]",    "[::1]x"};
    return chance(80) ? std::string(one_of(hosts)) : percent_encoded(text());
}

std::string dsn_generator::uri()
{
    std::string made = chance(50) ? "postgresql://" : "postgres://";
    if (chance(50)) {
        made += percent_encoded(text());
        if (chance(60))
            made += ":" + percent_encoded(text());
        made += "@";
    }
    for (auto left = 1 + (chance(30) ? below(4) : 0); left > 0; --left) {
        made += uri_host();
        if (chance(40))
            made += ":" + (chance(80) ? std::to_string(below(70'000)) : percent_encoded(text(3)));
        if (left > 1)
            made += ",";
    }
    if (chance(60))
        made += "/" + percent_encoded(text());
    if (chance(50)) {
        char separator = '?';
        for (auto left = below(5); left > 0; --left) {
            made += separator;
            made += chance(5) ? "ssl=true" : percent_encoded(keyword()) + "=" + percent_encoded(text());
            separator = '&';
        }
    }
    return made;
}

std::string dsn_generator::mutated(std::string made)
{
    static constexpr std::string_view telling = "'\\ =,/:@?&%[]#0a\xff\n";
    for (auto left = 1 + below(3); left > 0; --left) {
        const auto at = below(made.size() + 1);
        const char c = telling[below(telling.size())];
        switch (below(6)) {
        case 0:
            made.erase(at, 1 + below(3));
            break;
        case 1:
        case 2:
            made.insert(at, 1, c);
            break;
        case 3:
            if (at < made.size())
                made[at] = c;
            break;
        case 4:
            made.insert(at, made.substr(below(made.size() + 1), below(8)));
            break;
        default:
            if (chance(30))
                made.erase(at);
        }
    }
    return made;
}

} // namespace tradecore::pg::test
