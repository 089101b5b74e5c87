"""Pseudonyms: the same person always has the same one; the key is needed to tell whose it is."""

import hmac
from collections import Counter
from collections.abc import Iterable
from typing import Final

SHORTEST_KEY: Final = 16
"""Characters of a key."""
DIGITS: Final = 4


def aliases(ids: Iterable[str], key: str) -> dict[str, str]:
    """A readable name for each id, such as "Quiet Heron 4821"; no two have the same.

    Where two would have, both get a longer number. So a name that was somebody's never becomes
    somebody else's when people join, and the order of the ids does not matter.

    Raises:
        ValueError: for a key of less than 16 characters.
    """
    if len(key) < SHORTEST_KEY:
        raise ValueError(f"A key for pseudonyms needs at least {SHORTEST_KEY} characters.")
    unsettled = {each: _spelt(each, key) for each in set(ids)}
    settled: dict[str, str] = {}
    digits = DIGITS
    while unsettled:
        names = {each: f"{words} {number[:digits]}" for each, (words, number) in unsettled.items()}
        count = Counter(names.values())
        settled |= {each: name for each, name in names.items() if count[name] == 1}
        unsettled = {each: spelt for each, spelt in unsettled.items() if each not in settled}
        digits += 1
    return settled


def _spelt(id_: str, key: str) -> tuple[str, str]:
    """Two words, and a number of more digits than anybody will need."""
    encoded = id_.encode("utf-8", "surrogatepass")
    digest = hmac.digest(key.encode("utf-8", "surrogatepass"), encoded, "sha256")
    rest, adjective = divmod(int.from_bytes(digest), len(ADJECTIVES))
    rest, animal = divmod(rest, len(ANIMALS))
    return f"{ADJECTIVES[adjective]} {ANIMALS[animal]}", f"{rest:075d}"[::-1]


# The order and the number of the words decide every name: never change, add or remove one, or
# everybody has another name than in the reports and exports that exist.
_ADJECTIVES: Final = """
Able Active Agile Airy Alert Amber Ample Azure Balanced Blithe Bold Brave Breezy Bright Brisk
Broad Bronze Calm Candid Careful Cheerful Civil Clear Clever Cloudy Coastal Cobalt Copper Coral
Cordial Cosmic Cosy Crimson Crisp Curious Deft Diligent Distant Dreamy Eager Early Earnest
Eastern Elegant Emerald Even Fair Famous Fearless Festive Fine Fluent Fond Formal Frank Free
Fresh Friendly Gallant Gentle Genuine Glad Gleaming Golden Graceful Grand Happy Hardy Hazel
Helpful Honest Humble Indigo Inland Ivory Jade Jolly Jovial Joyful Keen Kind Lasting Leafy Light
Lilac Lively Loyal Lucid Lucky Lunar Mellow Merry Mild Mindful Misty Modest Musical Neat Nimble
Noble Northern Olive Open Orderly Patient Peaceful Placid Playful Pleasant Polite Prompt
Proper Purple Quick Quiet Rapid Ready Robust Rosy Royal Ruby Rustic Sage Scarlet Serene
Sharp Silent Silver Sincere Smooth Snowy Solar Solid Southern Spry Stable Steady Stellar Still
Sturdy Subtle Sunny Swift Tactful Teal Tidy Tranquil Trusty Upbeat Valiant Velvet Vivid Warm
Western Willing Winged Wise Witty
"""

_ANIMALS: Final = """
Albatross Alpaca Antelope Armadillo Avocet Badger Barbet Beaver Bee Bison Bittern Blackbird
Bluebird Bluejay Bobcat Bonobo Bullfinch Bunting Butterfly Buzzard Camel Capybara Cardinal Caribou
Cassowary Chaffinch Chameleon Cheetah Chickadee Chinchilla Chipmunk Cicada Condor Cormorant Corgi
Cougar Crane Cricket Crossbill Curlew Deer Dipper Dolphin Dormouse Dove Dragonfly Duck Dunlin Eagle
Egret Eider Elk Ermine Falcon Ferret Finch Firefly Flamingo Fox Gannet Gazelle Gecko Gibbon Giraffe
Goldfinch Goose Goshawk Grebe Grouse Guillemot Gull Hare Harrier Hawk Hedgehog Heron Hoopoe Hornbill
Horse Hummingbird Husky Ibex Ibis Iguana Impala Jackdaw Jaguar Jay Kestrel Kingfisher Kite Kiwi
Koala Kudu Lapwing Lark Lemur Leopard Linnet Llama Lobster Lynx Macaw Magpie Mallard Manatee Marmot
Marten Martin Meerkat Merlin Moose Moth Narwhal Newt Nightingale Nuthatch Ocelot Octopus Okapi
Oriole Osprey Otter Owl Panda Panther Parrot Partridge Pelican Penguin Petrel Pheasant Pika Pipit
Plover Polecat Porpoise Puffin Puma Quail Quetzal Rabbit Raven Redstart Reindeer Robin Rook Salmon
Sandpiper Seahorse Seal Siskin Skylark Sparrow Spoonbill Squirrel Starling Stoat Stork Swallow Swan
Tanager Tapir Tern Thrush Tiger Toucan Trout Turtle Vicuna Wagtail Walrus Warbler Waxwing
Wigeon Wolf Wombat Woodcock Woodpecker Wren Yak Zebra
"""

ADJECTIVES: Final = tuple(_ADJECTIVES.split())
ANIMALS: Final = tuple(_ANIMALS.split())
