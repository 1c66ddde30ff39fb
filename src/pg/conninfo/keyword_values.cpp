// SPDX-License-Identifier: Apache-2.0
#include "pg/conninfo/dsn.hpp"

#include <utility>

namespace tradecore::pg::conninfo {

namespace {

bool is_blank(char c) noexcept
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

// `keyword = value` with blanks between; a value with blanks in it, or an empty one, has single quotes around it;
// a backslash takes what follows as it is.
class splitter {
public:
    explicit splitter(std::string_view text) : rest_(text) {}

    values run()
    {
        values found;
        // Who forgets the quotes around a password with a blank in it has the rest of it taken for a keyword.
        bool after_secret = false;
        for (skip_blanks(); !rest_.empty(); skip_blanks()) {
            const auto name = read_keyword();
            skip_blanks();
            if (!rest_.starts_with('='))
                refuse(connection_string, describe(name, after_secret) + " must be followed by =");
            rest_.remove_prefix(1);
            skip_blanks();
            const bool quoted = rest_.starts_with('\'');
            if (!store(found, name, quoted ? read_quoted(name) : read_plain()))
                refuse(connection_string, describe(name, after_secret) + " is not known");
            after_secret = name == "password" || name == "sslpassword" || after_secret;
        }
        return found;
    }

private:
    static std::string describe(std::string_view name, bool after_secret)
    {
        if (after_secret)
            return "what comes after a password (with a blank in it, it needs quotes) is taken for a keyword, which";
        return name_unknown(name);
    }

    void skip_blanks()
    {
        while (!rest_.empty() && is_blank(rest_.front()))
            rest_.remove_prefix(1);
    }

    char take()
    {
        const char c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }

    std::string_view read_keyword()
    {
        const auto whole = rest_;
        while (!rest_.empty() && rest_.front() != '=' && !is_blank(rest_.front()))
            rest_.remove_prefix(1);
        return whole.substr(0, whole.size() - rest_.size());
    }

    // A backslash at the very end stands for nothing.
    void take_escaped(std::string& into)
    {
        if (rest_.front() == '\\')
            rest_.remove_prefix(1);
        if (!rest_.empty())
            into += take();
    }

    std::string read_plain()
    {
        std::string text;
        while (!rest_.empty() && !is_blank(rest_.front()))
            take_escaped(text);
        return text;
    }

    std::string read_quoted(std::string_view name)
    {
        std::string text;
        rest_.remove_prefix(1);
        while (!rest_.empty() && rest_.front() != '\'')
            take_escaped(text);
        if (rest_.empty())
            refuse(connection_string, std::string(name) + ": the closing quote is missing");
        rest_.remove_prefix(1);
        return text;
    }

    std::string_view rest_;
};

} // namespace

values split_keyword_values(std::string_view text)
{
    return splitter(text).run();
}

} // namespace tradecore::pg::conninfo
