# fails: s1: done, after
story: A refusal is expected that does not come
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settle s1 100.00 of li at care
expect s1 refused R50
