// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/vocabulary.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tradecore::pg {

/// What sort of type it is (pg_type.typtype, with arrays told apart).
enum class type_kind : std::uint8_t {
    unknown,
    base,
    array,
    enumeration,
    composite,
    domain,
    range,
    multirange,
    pseudo,
};

/// What a connection has learned of a type that is not built in.
struct type_info {
    struct attribute {
        std::string name;
        oid type = 0;
    };

    oid type = 0;
    type_kind kind = type_kind::unknown;
    /// Between the elements of an array of it, in text.
    char delimiter = ',';
    /// Whether the server sends and receives it in binary. A base type is asked for in text all the same unless there
    /// is somebody here who reads it.
    bool sends_binary = false;
    bool receives_binary = false;
    /// An array's elements, a domain's base, a range's bounds, a multirange's range; otherwise 0.
    oid element = 0;
    std::string schema{};
    /// As in pg_type.typname.
    std::string plain_name{};
    /// As SQL has to write it: quoted, and with its schema unless that is in the search path.
    std::string name{};
    /// A composite's, in order.
    std::vector<attribute> attributes{};
    /// An enum's, in order.
    std::vector<std::string> labels{};
};

/// The types that one connection knows beyond the built-in ones, at one moment.
///
/// Thread safety: immutable, so any number of threads may read.
class type_set {
public:
    type_set() = default;
    /// @param types replace those of `before` that have the same OID.
    type_set(const type_set* before, std::vector<std::shared_ptr<const type_info>> types);

    /// @returns null for a type that is not in the set. Valid as long as the set lives.
    [[nodiscard]] const type_info* find(oid type) const noexcept;
    /// @returns all of them, sorted by OID.
    [[nodiscard]] std::span<const std::shared_ptr<const type_info>> types() const noexcept { return types_; }

private:
    std::vector<std::shared_ptr<const type_info>> types_; // sorted by OID
};

/// A type, and what is known of it: from the catalogue of built-in types or from a connection.
///
/// Converts to its OID, so that it can be compared with those in `oids`. Lifetimes: looks into the set.
class type_ref {
public:
    type_ref(oid type, const type_set* known = nullptr) noexcept : known_(known), type_(type) {}

    operator oid() const noexcept { return type_; }
    [[nodiscard]] oid id() const noexcept { return type_; }
    [[nodiscard]] const type_set* known() const noexcept { return known_; }

    [[nodiscard]] type_kind kind() const noexcept;
    /// An array's elements, a domain's base, a range's bounds, a multirange's range; otherwise 0.
    [[nodiscard]] type_ref element() const noexcept;
    /// @returns the type a domain is made of, at the end of a chain of domains; any other type itself.
    [[nodiscard]] type_ref base() const noexcept;
    /// @returns the plain name, "hstore", in whichever schema it is; empty when nothing is known.
    [[nodiscard]] std::string_view plain_name() const noexcept;
    /// @returns whether it is a type that an extension or a user created under that name.
    [[nodiscard]] bool is_named(std::string_view plain_name) const noexcept;
    /// @returns whether it is a type that every server has, under the same OID.
    [[nodiscard]] bool is_built_in() const noexcept;
    /// @returns for messages: "int8", "enum mood", "composite shop.address", "mood[]", "type 16405".
    [[nodiscard]] std::string describe() const;
    [[nodiscard]] std::span<const type_info::attribute> attributes() const noexcept;
    [[nodiscard]] std::span<const std::string> labels() const noexcept;
    /// @returns what stands between the elements of an array of this type, in text.
    [[nodiscard]] char delimiter() const noexcept;
    /// @returns whether the type and everything it is made of can be sent by the server in binary.
    [[nodiscard]] bool sends_binary() const noexcept;
    /// As `sends_binary`, for values that go to the server.
    [[nodiscard]] bool receives_binary() const noexcept;
    /// @returns false for a type that neither the catalogue nor the connection has.
    [[nodiscard]] bool is_known() const noexcept { return kind() != type_kind::unknown; }

private:
    [[nodiscard]] const type_info* info() const noexcept { return known_ == nullptr ? nullptr : known_->find(type_); }

    const type_set* known_;
    oid type_;
};

/// The types of a statement's parameters.
class parameter_types {
public:
    parameter_types() = default;
    parameter_types(std::vector<oid> types, std::shared_ptr<const type_set> known = nullptr) noexcept
        : types_(std::move(types)), known_(std::move(known))
    {}

    [[nodiscard]] std::size_t size() const noexcept { return types_.size(); }
    [[nodiscard]] bool empty() const noexcept { return types_.empty(); }
    [[nodiscard]] type_ref operator[](std::size_t index) const noexcept { return {types_[index], known_.get()}; }
    [[nodiscard]] auto begin() const noexcept { return types_.begin(); }
    [[nodiscard]] auto end() const noexcept { return types_.end(); }
    [[nodiscard]] std::span<const oid> ids() const noexcept { return types_; }
    /// What is known of those that are not built in; may be null.
    [[nodiscard]] const std::shared_ptr<const type_set>& known() const noexcept { return known_; }

private:
    std::vector<oid> types_;
    std::shared_ptr<const type_set> known_;
};

} // namespace tradecore::pg
