// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/optional.hpp>
#include <tradecore/pg/column.hpp>
#include <tradecore/pg/error.hpp>
#include <tradecore/pg/type_info.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tradecore::pg {

class field;

/// How a C++ type comes out of a field. Specialize it to make a type of one's own readable:
///
///     template <>
///     struct field_traits<money> {
///         static std::string name() { return "money"; }                           // for messages
///         static bool accepts(oid type, wire_format) { return type == oids::numeric; }
///         static money decode(const field& from) { return money(from.decode<numeric>()); }
///     };
///
/// A type that the server has from an extension or a user has another OID in every database; it is told
/// by its name:
///
///         static bool accepts(const type_ref& type, wire_format) { return type.is_named("cube"); }
///
/// `type_ref` also says what kind of type it is and what it is made of. Domains never get here: their
/// values come as those of the type beneath. A base type outside of the catalogue comes in text format
/// unless `type_registry::ask_binary` was told its name.
///
/// `decode` is called with a field that is not NULL and whose type was accepted; it reports bad data with
/// `from.refuse(name(), reason)`, never by undefined behaviour: the bytes are what somebody sent. An
/// optional `explain(const type_ref&, wire_format)` says in words why a type was not accepted.
template <class T>
struct field_traits;

template <class T>
concept decodable = requires(const field& from, const type_ref& type, wire_format format) {
    { field_traits<T>::name() } -> std::convertible_to<std::string>;
    { field_traits<T>::accepts(type, format) } -> std::same_as<bool>;
    { field_traits<T>::decode(from) } -> std::same_as<T>;
};

namespace detail {

template <class T>
concept explains_refusal = requires(const type_ref& type, wire_format format) {
    { field_traits<T>::explain(type, format) } -> std::convertible_to<std::string>;
};

/// How deep values may lie in values: deeper than anybody's tables, far from the end of the stack.
inline constexpr std::uint16_t max_nesting = 100;

} // namespace detail

/// One value of a row: a view, valid as long as the result lives.
class field {
public:
    /// @param of names the field in messages and must outlive it.
    /// @param data the value's bytes.
    /// @param length number of bytes; negative is NULL.
    field(const column& of, const char* data, std::int32_t length) noexcept
        : field(of, of.type, of.format, data, length)
    {}
    /// A part of a value, such as an array's element, that has a type of its own.
    field(const column& of, oid type, wire_format format, const char* data, std::int32_t length) noexcept
        : column_(&of), data_(data), length_(length), type_(type), format_(format)
    {}
    /// A part of a value, such as an array's element, that has a type of its own and comes in the same format.
    /// @param type not a domain (`type_ref::base`).
    field(const field& whole, oid type, const char* data, std::int32_t length) noexcept
        : column_(whole.column_), data_(data), length_(length), type_(type), format_(whole.format_),
          depth_(static_cast<std::uint16_t>(whole.depth_ + 1))
    {}

    [[nodiscard]] bool is_null() const noexcept { return length_ < 0; }
    /// @returns the value as it was sent; empty when it is NULL.
    [[nodiscard]] std::string_view bytes() const noexcept
    {
        return is_null() ? std::string_view() : std::string_view(data_, static_cast<std::size_t>(length_));
    }
    [[nodiscard]] const std::string& name() const noexcept { return column_->name; }
    [[nodiscard]] const column& of() const noexcept { return *column_; }
    [[nodiscard]] oid type() const noexcept { return type_; }
    /// @returns the type with what is known of it. Valid as long as the result lives.
    [[nodiscard]] type_ref sql_type() const noexcept { return {type_, column_->known.get()}; }
    /// @returns in how many values this one lies.
    [[nodiscard]] std::uint16_t depth() const noexcept { return depth_; }
    [[nodiscard]] wire_format format() const noexcept { return format_; }

    /// @tparam T a type with `field_traits`, or an optional of one when the field may be NULL. A
    ///         `std::string_view` looks into the result.
    /// @throws type_error naming column, SQL type and C++ type when the type does not fit, the field is
    ///         NULL and `T` is no optional, or the bytes are malformed.
    template <class T>
    [[nodiscard]] T as() const
    {
        check<T>();
        return decode<T>();
    }

    /// Checks what is the same for every row: the types.
    /// @throws type_error
    template <class T>
    void check() const
    {
        using value = detail::without_optional_t<T>;
        static_assert(decodable<value>, "no field_traits: PostgreSQL values do not go into this type");
        if (!field_traits<value>::accepts(sql_type(), format_)) {
            if constexpr (detail::explains_refusal<value>) {
                refuse_type(field_traits<value>::name(), field_traits<value>::explain(sql_type(), format_));
            }
            else {
                refuse_type(field_traits<value>::name(), {});
            }
        }
    }

    /// As `as`, for a type that was checked.
    template <class T>
    [[nodiscard]] T decode() const
    {
        using value = detail::without_optional_t<T>;
        if (is_null()) {
            if constexpr (detail::is_optional<T>) {
                return std::nullopt;
            }
            else {
                refuse(field_traits<value>::name(), "it is NULL; take a std::optional");
            }
        }
        return field_traits<value>::decode(*this);
    }

    /// Says that the value cannot become a `cpp_type`.
    /// @throws type_error always.
    [[noreturn]] void refuse(std::string_view cpp_type, std::string_view reason) const;

private:
    [[noreturn]] void refuse_type(std::string_view cpp_type, std::string_view reason) const;

    const column* column_;
    const char* data_;
    std::int32_t length_;
    oid type_;
    wire_format format_;
    std::uint16_t depth_ = 0;
};

static_assert(sizeof(field) <= 32, "a field is made for each value that is read");

} // namespace tradecore::pg
