"""Devices that are driven, not only watched: each keeps what it was told to do, obeys it in time, and can lie about it.

They know the protocols from the published facts alone, so that a misreading on the other side shows. What the facts
leave open is said where it was chosen. Nothing here is a model of a pump's quality, only of what it says and does.
"""

from .alaris_gh import AlarisGH
from .baxter_as50 import BaxterAS50
from .dulco_flex import DulcoFlex, on_rtu, on_tcp, swap_addresses
from .flow import Flow
from .graseby_3400 import Graseby3400
from .liar import swap_identities, swap_lines
from .new_era import NewEra1000
from .orders import Effect, Heard, Key, Lie, Order
from .suntech_cuff import SunTechCuff

__all__ = [
    "AlarisGH", "BaxterAS50", "DulcoFlex", "Effect", "Flow", "Graseby3400", "Heard", "Key", "Lie", "NewEra1000",
    "Order", "SunTechCuff", "on_rtu", "on_tcp", "swap_addresses", "swap_identities",
    "swap_lines",
]
