"""JSON Schemas of credentials: those at hand, and whether a credential fits the one it declares.

No schema is ever fetched. A schema is run only after its work was found to be bounded.
"""

from cityid.schema.check import at_hand, check_schema
from cityid.schema.collection import SCHEMAS, Schemas
from cityid.schema.unwrapping import VerifiedSchema

__all__ = ["SCHEMAS", "Schemas", "VerifiedSchema", "at_hand", "check_schema"]
