story: Two hospitals draw on one account at once: it pays what it has, not more
given provinces care, home, east
given li of home with 0.00
given chen of home with 0.00
given wang of east with 500.00
given wang pays for li
given wang pays for chen

settle s1 400.00 of li at care
settle s2 400.00 of chen at home
expect s1 done
expect s2 done
expect everything decided
expect wang has 0.00
