autocmd BufRead,BufNewFile *.stemma setfiletype stemma
