// SPDX-License-Identifier: Apache-2.0
#include "pg/conninfo/dsn.hpp"

namespace tradecore::pg::conninfo {

namespace {

int hex_digit(char c) noexcept
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
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
        if (high < 0 || low < 0)
            refuse(connection_string, std::string(part) + ": a % must be followed by two hexadecimal digits");
        if (high == 0 && low == 0)
            refuse(connection_string, std::string(part) + " contains NUL");
        plain += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return plain;
}

// [user[:password]@][host[:port]{,host[:port]}][/dbname][?keyword=value{&keyword=value}]
class splitter {
public:
    explicit splitter(std::string_view rest) : rest_(rest) {}

    values run()
    {
        // Not even a question mark ends what stands before the first @: passwords may have one.
        if (const auto end = rest_.find_first_of("@/"); end != std::string_view::npos && rest_[end] == '@') {
            credentials(rest_.substr(0, end));
            rest_.remove_prefix(end + 1);
        }
        endpoints();
        if (rest_.starts_with('/')) {
            rest_.remove_prefix(1);
            add("dbname", take_until("?"));
        }
        if (rest_.starts_with('?')) {
            rest_.remove_prefix(1);
            query();
        }
        return std::move(found_);
    }

private:
    std::string_view take_until(std::string_view stops)
    {
        const auto taken = rest_.substr(0, rest_.find_first_of(stops));
        rest_.remove_prefix(taken.size());
        return taken;
    }

    // An empty part counts as not given, so that the environment can say it.
    void add(std::string_view keyword, std::string_view encoded)
    {
        if (!encoded.empty())
            (void)store(found_, keyword, decode(keyword, encoded));
    }

    void credentials(std::string_view text)
    {
        const auto colon = text.find(':');
        add("user", text.substr(0, colon));
        if (colon != std::string_view::npos)
            add("password", text.substr(colon + 1));
    }

    // The lists are decoded as wholes, as libpq does: an encoded comma separates, too.
    void endpoints()
    {
        std::string hosts;
        std::string ports;
        for (;;) {
            hosts += take_host();
            if (rest_.starts_with(':')) {
                rest_.remove_prefix(1);
                ports += take_until("/?,");
            }
            if (!rest_.starts_with(','))
                break;
            rest_.remove_prefix(1);
            hosts += ',';
            ports += ',';
        }
        add("host", hosts);
        add("port", ports);
    }

    std::string_view take_host()
    {
        if (!rest_.starts_with('['))
            return take_until(":/?,");
        rest_.remove_prefix(1);
        const auto address = take_until("]");
        if (rest_.empty())
            refuse(connection_string, "host: an IPv6 address must end with ]");
        if (address.empty())
            refuse(connection_string, "host: there must be an IPv6 address between [ and ]");
        rest_.remove_prefix(1);
        if (!rest_.empty() && std::string_view(":/?,").find(rest_.front()) == std::string_view::npos)
            refuse(connection_string, "host: only a port may follow an IPv6 address");
        return address;
    }

    void query()
    {
        // Not every @ could be told from one that ends a password with a / in it.
        bool maybe_secret = rest_.find('@') != std::string_view::npos;
        while (!rest_.empty()) {
            const auto pair = take_until("&");
            if (!rest_.empty())
                rest_.remove_prefix(1);
            const auto equals = pair.find('=');
            // The pair itself stays out of the message: it may be a piece of a password.
            if (equals == std::string_view::npos || pair.find('=', equals + 1) != std::string_view::npos)
                refuse(connection_string, "after ? there must be keyword=value pairs with & between them");
            const auto keyword = decode("keyword", pair.substr(0, equals));
            auto text = decode(maybe_secret ? "a value" : name_unknown(keyword), pair.substr(equals + 1));
            // JDBC's way to ask for TLS.
            const bool stored = keyword == "ssl" && text == "true" ? store(found_, "sslmode", "require")
                                                                   : store(found_, keyword, std::move(text));
            if (!stored)
                refuse(connection_string, (maybe_secret ? "a keyword" : name_unknown(keyword)) + " is not known");
            maybe_secret = maybe_secret || keyword == "password" || keyword == "sslpassword";
        }
    }

    std::string_view rest_;
    values found_;
};

} // namespace

values split_uri(std::string_view rest)
{
    return splitter(rest).run();
}

} // namespace tradecore::pg::conninfo
