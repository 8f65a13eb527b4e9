story: Two clients race for the last fen and neither agreed to cash: one is done, one is refused
given provinces care, home, east
given li of home with 0.00
given chen of home with 0.00
given wang of east with 500.00
given wang pays for li
given wang pays for chen

settle s1 400.00 of li at care agreeing to 0.00 cash
settle s2 400.00 of chen at home agreeing to 0.00 cash
expect one of s1, s2 done
expect everything decided
expect wang has 100.00
